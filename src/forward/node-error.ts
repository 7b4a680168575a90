/** Translates the errors of undici, node:net, node:tls and the resolver, once, at the border. */
import type { Reason } from '../exchange.ts';

/** How far an attempt had come: the same code means different things before and after. */
export type AttemptPhase = 'connecting' | 'waiting' | 'receiving';

export interface TranslatedError {
  readonly reason: Reason;
  readonly message: string;
  readonly timedOut: boolean;
}

const DNS_CODES = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EAI_NONAME',
  'ENODATA',
  'ESERVFAIL',
  'ETIMEOUT',
]);
const TIMEOUT_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);
/** A length that doesn't fit is the body's early end once there is a body, and a contradiction in the head before. */
const PROTOCOL_CODES = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'ERR_INVALID_CHAR']);
const CONNECT_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the target refused the connection',
  EHOSTUNREACH: 'there is no route to the target',
  ENETUNREACH: 'the target’s network is unreachable',
  EADDRNOTAVAIL: 'no local port is free for a connection to the target',
  EMFILE: 'too many open files for a connection to the target',
  UND_ERR_CONNECT_TIMEOUT: 'the target did not accept a connection in time',
  ETIMEDOUT: 'the target did not accept a connection in time',
};

/** One refused connect may be the end of many attempts. */
const connects = new WeakMap<Error, TranslatedError>();

export function translateError(error: unknown, phase: AttemptPhase): TranslatedError {
  if (phase !== 'connecting') return translateAfterConnect(error, phase);
  const before = error instanceof Error ? connects.get(error) : undefined;
  if (before !== undefined) return before;
  const translated = translateConnect(error);
  if (error instanceof Error) connects.set(error, translated);
  return translated;
}

function translateAfterConnect(error: unknown, phase: AttemptPhase): TranslatedError {
  const codes = errorCodes(error);
  const code = codeOf(codes, error);
  if (codes.some((each) => TIMEOUT_CODES.has(each))) {
    const message = phase === 'waiting' ? 'the target did not answer in time' : 'the target’s answer stopped coming';
    return { reason: 'timeout', message: `${message} (${code})`, timedOut: true };
  }
  if (phase === 'receiving') {
    return isProtocolError(error, codes) && !isEarlyEnd(codes)
      ? { reason: 'protocol', message: `the target’s answer broke HTTP in its body (${code})`, timedOut: false }
      : { reason: 'truncated', message: `the target’s answer ended early (${code})`, timedOut: false };
  }
  if (isProtocolError(error, codes)) {
    return { reason: 'protocol', message: `the target’s answer is not HTTP/1.1 (${code})`, timedOut: false };
  }
  return { reason: 'reset', message: `the target closed the connection without an answer (${code})`, timedOut: false };
}

const codeOf = (codes: readonly string[], error: unknown): string =>
  codes[0] ?? (error instanceof Error ? error.name : 'unknown');

function translateConnect(error: unknown): TranslatedError {
  const codes = errorCodes(error);
  const code = codeOf(codes, error);
  if (codes.some((each) => DNS_CODES.has(each))) {
    return { reason: 'dns', message: `the target’s name could not be resolved (${code})`, timedOut: false };
  }
  if (codes.some(isTlsCode) || isBrokenHandshake(error)) {
    return { reason: 'tls', message: `no TLS connection to the target (${code}: ${tlsWords(error)})`, timedOut: false };
  }
  const timedOut = codes.some((each) => TIMEOUT_CODES.has(each));
  const words = CONNECT_WORDS[code] ?? 'no connection to the target';
  return { reason: 'connect', message: `${words} (${code})`, timedOut };
}

/** Codes of an error, of what caused it and of the errors it bundles, the most telling first. */
function errorCodes(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 4) return [];
  const codes: string[] = [];
  if ('code' in error && typeof error.code === 'string') codes.push(error.code);
  if (error instanceof AggregateError) for (const each of error.errors) codes.push(...errorCodes(each, depth + 1));
  codes.push(...errorCodes(error.cause, depth + 1));
  return codes;
}

function isTlsCode(code: string): boolean {
  return (
    code.startsWith('ERR_TLS_') ||
    code.startsWith('ERR_SSL_') ||
    code.startsWith('CERT_') ||
    code.startsWith('UNABLE_TO_') ||
    code.includes('SELF_SIGNED') ||
    code === 'EPROTO' ||
    code === 'HOSTNAME_MISMATCH'
  );
}

/** Node says ECONNRESET with these words when a peer hangs up inside the handshake. */
function isBrokenHandshake(error: unknown): boolean {
  return error instanceof Error && error.message.includes('secure TLS connection');
}

function tlsWords(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0]?.slice(0, 200) ?? '') : '';
}

function isProtocolError(error: unknown, codes: readonly string[]): boolean {
  if (codes.some((code) => code.startsWith('HPE_') || PROTOCOL_CODES.has(code))) return true;
  return error instanceof Error && (error.name === 'HTTPParserError' || /^bad (response|upgrade)/.test(error.message));
}

function isEarlyEnd(codes: readonly string[]): boolean {
  return codes.some((code) => code === 'HPE_INVALID_EOF_STATE' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH');
}

/** kafkajs' errors become outcomes here: its wrappers say `retriable: false` even of a refused connection. */
import { type Failure, refusalScope, type Trouble } from './producer.ts';

/**
 * `refused` only for a broker's own final verdict found anywhere in the tree of causes; all else, known or not, may
 * be sent again.
 */
export function outcomeOfError(error: unknown): Failure {
  let message = 'unknown error';
  let trouble: Trouble = 'other';
  for (const cause of causesOf(error)) {
    const code = Reflect.get(cause, 'type');
    message = describeCause(cause, code);
    trouble = troubleOf(cause, code) ?? trouble;
    if (typeof code === 'string' && refusalScope(code) !== null) return { kind: 'refused', code, message, trouble };
  }
  return { kind: 'retry', message, trouble };
}

/** By the broker's error name, by the code of Node or OpenSSL, and last by the class that kafkajs made for it. */
const TROUBLES: readonly (readonly [Trouble, RegExp])[] = [
  ['topic', /^(UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|INVALID_TOPIC_EXCEPTION)$/],
  ['rights', /^(TOPIC|CLUSTER)_AUTHORIZATION_FAILED$/],
  ['credentials', /^(SASL_AUTHENTICATION_FAILED|KafkaJSSASLAuthenticationError)$/],
  ['certificate', /^(CERT_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*|ERR_TLS_CERT_ALTNAME_INVALID)$/],
  ['security', /^(ILLEGAL_SASL_STATE|UNSUPPORTED_SASL_MECHANISM|SECURITY_DISABLED|ERR_SSL_.*|ERR_OSSL_.*|EPROTO)$/],
  ['replicas', /^NOT_ENOUGH_REPLICAS(_AFTER_APPEND)?$/],
  ['address', /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/],
  ['file', /^(ENOENT|EACCES|EISDIR|EPERM)$/],
  ['closed', /^(ECONNRESET|EPIPE|KafkaJSConnectionClosedError)$/],
];

function troubleOf(cause: object, type: unknown): Trouble | null {
  const names = [type, Reflect.get(cause, 'code'), Reflect.get(cause, 'name')].filter(
    (each) => typeof each === 'string',
  );
  return TROUBLES.find(([, pattern]) => names.some((name) => pattern.test(name)))?.[0] ?? null;
}

function describeCause(cause: object, code: unknown): string {
  const message = cause instanceof Error ? cause.message : String(Reflect.get(cause, 'message'));
  return typeof code === 'string' ? `${code}: ${message}` : message;
}

/** The error, its `cause`s and the `errors` of aggregates, outermost first. */
function causesOf(error: unknown, found: object[] = []): readonly object[] {
  if (typeof error !== 'object' || error === null || found.includes(error)) return found;
  found.push(error);
  causesOf(Reflect.get(error, 'cause'), found);
  const errors: unknown = Reflect.get(error, 'errors');
  if (Array.isArray(errors)) for (const each of errors) causesOf(each, found);
  return found;
}

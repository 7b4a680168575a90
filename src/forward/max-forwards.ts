/** `Max-Forwards`: how many hops TRACE and OPTIONS may take, and the answer where they end (RFC 9110 section 7.6.2). */
import { type Answer, emptyAnswer } from '../accept/answer.ts';
import { FIELD, fieldKind } from '../accept/field.ts';
import type { RequestHead } from '../exchange.ts';

type Limited = Pick<RequestHead, 'method' | 'rawHeaders'>;

const limitsForwards = (method: string): boolean => method === 'TRACE' || method === 'OPTIONS';

/** The request must go no further: we are who answers it. */
export function isLastHop({ method, rawHeaders }: Limited): boolean {
  if (!limitsForwards(method)) return false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (fieldKind(rawHeaders[i] ?? '') === FIELD.maxForwards && /^0+$/.test(rawHeaders[i + 1] ?? '')) return true;
  }
  return false;
}

/** What the next hop is told. For other methods, and for what is no number, the field means nothing and stays. */
export function nextMaxForwards(method: string, value: string): string {
  if (!limitsForwards(method) || !/^\d+$/.test(value)) return value;
  return String(Math.min(Number(value), Number.MAX_SAFE_INTEGER) - 1);
}

/**
 * The last hop's answer. TRACE gets back what came of it, but for all that may be a secret (section 9.3.8): that is
 * every field that does not tell of its way here.
 */
export function lastHopAnswer({ method, uri, httpVersion, rawHeaders }: RequestHead): Answer {
  if (method !== 'TRACE') return emptyAnswer(204);
  let text = `TRACE ${uri} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (TOLD.has(fieldKind(name))) text += `${name}: ${rawHeaders[i + 1]}\r\n`;
  }
  const body = Buffer.from(`${text}\r\n`, 'latin1');
  return { status: 200, headers: ['content-type', 'message/http', 'content-length', String(body.length)], body };
}

const TOLD: ReadonlySet<number> = new Set([FIELD.host, FIELD.via, FIELD.maxForwards]);

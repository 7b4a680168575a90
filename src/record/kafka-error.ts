/** kafkajs' errors become outcomes here: its wrappers say `retriable: false` even of a refused connection. */
import { refusalScope, type SendOutcome } from './producer.ts';

/**
 * `refused` only for a broker's own final verdict found anywhere in the tree of causes; all else, known or not, may
 * be sent again.
 */
export function outcomeOfError(error: unknown): Exclude<SendOutcome, { kind: 'acked' }> {
  let innermost = 'unknown error';
  for (const cause of causesOf(error)) {
    const code = Reflect.get(cause, 'type');
    innermost = describeCause(cause, code);
    if (typeof code === 'string' && refusalScope(code) !== null) return { kind: 'refused', code, message: innermost };
  }
  return { kind: 'retry', message: innermost };
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

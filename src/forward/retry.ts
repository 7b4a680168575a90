/** Whether a failed attempt may be followed by another. Pure. RFC 9110 section 9.2.2. */
import type { Reason, RequestSent } from '../exchange.ts';

/** RFC 9110 section 9.2.2, table of section 16.1.1, and PATCH's absence from it. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export const isIdempotent = (method: string): boolean => IDEMPOTENT.has(method);

export interface RetryPolicy {
  /** Tries in all. */
  readonly attempts: number;
  readonly when: readonly string[];
  /** Methods that may be sent again though HTTP calls them unsafe to repeat: the operator's word. */
  readonly methods: readonly string[];
}

export interface FailedTry {
  readonly method: string;
  readonly reason: Reason;
  readonly requestSent: RequestSent;
  /** Tries so far, this one included, without those on a stale connection. */
  readonly tries: number;
  /** The connection had served before and broke before any byte of an answer. */
  readonly stale: boolean;
  /** The one further try that a stale connection allows has been used. */
  readonly staleUsed: boolean;
}

/** `stale`: once more at the same URL, on a fresh connection; `next`: at another URL, if there is one. */
export function decideRetry(policy: RetryPolicy, failed: FailedTry): 'stale' | 'next' | 'no' {
  const repeatable = failed.requestSent === 'no' || isIdempotent(failed.method);
  if (failed.stale && !failed.staleUsed && repeatable) return 'stale';
  if (failed.tries >= policy.attempts || !policy.when.includes(failed.reason)) return 'no';
  return repeatable || policy.methods.includes(failed.method) ? 'next' : 'no';
}

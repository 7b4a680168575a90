/** Log lines as plain data: made on either thread, written by the keeper. */
import type { Verdict } from '../exchange.ts';
import { maskExcerpt } from './excerpt.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LogLine {
  /** Epoch milliseconds. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  /** Plain data. `uri` is redacted where the line is written; no other field may hold what came in a request. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A finished exchange. */
export interface AccessFields {
  readonly listener: string;
  readonly rule: string;
  readonly target: string;
  readonly method: string;
  /** As it came, redacted when written. */
  readonly uri: string;
  readonly remoteAddress: string;
  readonly verdict: Verdict;
  /** What the caller got; 0 when it left before an answer. */
  readonly code: number;
  readonly durationSeconds: number;
  readonly targetSeconds: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly attempts: number;
  /** Id of the kept record, '' without one. */
  readonly record: string;
  readonly traceId: string;
}

export interface RefusedFields {
  readonly listener: string;
  readonly remoteAddress: string;
  readonly status: number;
  /** The label of `outrider_rejected_total`. */
  readonly reason: string;
  readonly detail: string;
  /** The request's first bytes, latin1; shown masked. */
  readonly excerpt: string;
}

/** Whether `log.access` wants a line for this verdict: asked before the line is made. */
export function wantsAccessLine(access: 'failures' | 'all' | 'none', verdict: Verdict): boolean {
  return access === 'all' || (access === 'failures' && verdict.kind !== 'delivered');
}

/** The line of a finished exchange. One object, filled: there may be one for each of thousands of failures a second. */
export function accessLine(access: AccessFields, now = Date.now()): LogLine {
  const { verdict, record, traceId, targetSeconds } = access;
  const fields: Record<string, unknown> = {
    listener: access.listener,
    rule: access.rule,
    target: access.target,
    method: access.method,
    uri: access.uri,
    remoteAddress: access.remoteAddress,
    code: access.code,
    requestBytes: access.requestBytes,
    responseBytes: access.responseBytes,
    attempts: access.attempts,
    verdict: verdict.kind,
  };
  if (verdict.kind === 'failed') {
    fields.reason = verdict.reason;
    fields.targetStatus = verdict.status;
    fields.why = verdict.message;
  }
  fields.ms = milliseconds(access.durationSeconds);
  fields.targetMs = targetSeconds === null ? null : milliseconds(targetSeconds);
  if (record !== '') fields.record = record;
  if (traceId !== '') fields.traceId = traceId;
  return { time: now, level: verdict.kind === 'failed' ? 'warn' : 'info', message: MESSAGES[verdict.kind], fields };
}

const MESSAGES = {
  delivered: 'exchange delivered',
  failed: 'exchange failed',
  abandoned: 'exchange abandoned',
} as const;

/** The line of a request that went no further than its head. */
export function refusedLine({ excerpt, ...fields }: RefusedFields, now = Date.now()): LogLine {
  return { time: now, level: 'warn', message: 'request refused', fields: { ...fields, excerpt: maskExcerpt(excerpt) } };
}

const milliseconds = (seconds: number): number => Math.round(seconds * 1e6) / 1e3;

const ORDER: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 };

/** Whether a line of `level` is written where `threshold` (also `silent`) is set. */
export function reachesLevel(level: LogLevel, threshold: string): boolean {
  return (ORDER[level] ?? 0) >= (ORDER[threshold] ?? Number.POSITIVE_INFINITY);
}

/** As a terminal must get it: no control character of any encoding, no line break (CWE-117). `json` is one JSON text. */
export function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

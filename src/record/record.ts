/** The record as it leaves the process: Kafka value, admin API, export. Always redacted. */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { Attempt, CapturedResponse, RawHeaders, Reason, RequestSent } from '../exchange.ts';
import { type Redacted, type Redactor, redactAttempts, redactContent, redactResponse, redactTexts } from './redact.ts';
import type { KeptRecord } from './states.ts';

const NOTHING = new Uint8Array(0);
/** This version delivers inline only, and nothing again. */
const DELIVERY = { delivery: 'inline', redeliver: false } as const;
/** Raised with a change that a reader of the old format would misread. */
const SCHEMA = 1;

export interface PodIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly node: string;
}

/**
 * The JSON of a record, its fields in this order. `timestamp` to `error_reason` are those of the older interceptor,
 * with their meaning. Everything is as it came from the application, before any patch. Header text is latin1.
 */
export interface OutriderRecord {
  readonly schema: 1;
  readonly id: string;
  /** Arrival, epoch seconds with fraction. */
  readonly timestamp: number;
  readonly method: string;
  readonly uri: string;
  readonly path: string;
  /** Behind the `?`; '' without. */
  readonly query_string: string;
  /** Lower-case names; values of one name joined by `, ` (those of `cookie` by `; `). */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly remote_addr: string;
  readonly backend_url: string;
  readonly error_reason: string;
  readonly raw_headers: readonly (readonly [name: string, value: string])[];
  readonly http_version: '1.0' | '1.1';
  readonly body_encoding: 'utf8' | 'base64';
  /** Bytes that the caller sent, as far as they were counted. */
  readonly body_bytes: number;
  /** Hex, of the bytes as published in `body`. */
  readonly body_sha256: string;
  /** Only its start was kept: it is never delivered again. */
  readonly body_truncated: boolean;
  /** Whole in the spool, left out here for its size. */
  readonly body_omitted: boolean;
  readonly listener: string;
  readonly rule: string;
  readonly target: string;
  readonly reason: Reason;
  readonly request_sent: RequestSent;
  readonly delivery: 'inline';
  readonly redeliver: false;
  readonly attempts: readonly RecordAttempt[];
  readonly response: RecordResponse | null;
  readonly pod: PodIdentity;
  readonly trace_id: string;
  /** Where something was taken out: `headers.authorization`, `query.token`, `body.user.password`; `body`: all of it. */
  readonly redacted: readonly string[];
  readonly sealed: null;
}

export interface RecordAttempt {
  readonly at: number;
  readonly url: string;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly request_sent: RequestSent;
  readonly ms: number;
}

export interface RecordResponse {
  readonly status: number;
  /** Like `headers`; `set-cookie`, whose values can't be joined, as a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
  readonly body_truncated: boolean;
  /** Only there when the body is not UTF-8. */
  readonly body_encoding?: 'base64';
}

/** `body`: as the spool has it; null leaves it out. */
export function recordFromKept(
  kept: KeptRecord,
  body: Uint8Array | null,
  redactor: Redactor,
  pod: PodIdentity,
): OutriderRecord {
  const { head } = kept;
  const { head: request } = head;
  const headers = redactor.headers(request.rawHeaders);
  const uri = redactor.uri(request.uri);
  const content = redactContent(body ?? NOTHING, request.rawHeaders, kept.truncated, redactor);
  const published = encodeBody(content.value);
  const texts = redactTexts(head, redactor);
  const response = head.response && redactResponse(head.response, redactor);
  const [path, query] = splitUri(uri.value);
  return {
    schema: SCHEMA,
    id: kept.id,
    timestamp: head.timestamp,
    method: request.method,
    uri: uri.value,
    path,
    query_string: query,
    headers: joinHeaders(headers.value),
    body: published.text,
    remote_addr: request.remoteAddress,
    backend_url: texts.value.backendUrl,
    error_reason: texts.value.errorReason,
    raw_headers: pairsFrom(headers.value),
    http_version: request.httpVersion,
    body_encoding: published.encoding,
    body_bytes: kept.totalBytes,
    body_sha256: hash('sha256', content.value, 'hex'),
    body_truncated: kept.truncated,
    body_omitted: body === null,
    listener: request.listener,
    rule: head.rule,
    target: head.target,
    reason: head.reason,
    request_sent: head.requestSent,
    ...DELIVERY,
    attempts: redactAttempts(head.attempts, redactor).map(attemptFrom),
    response: response && responseFrom(response.value),
    pod,
    trace_id: head.traceId,
    redacted: placesOf(head.redacted ?? [], [headers, uri, content, texts, response]),
    sealed: null,
  };
}

function placesOf(before: readonly string[], parts: readonly (Redacted<unknown> | null)[]): string[] {
  const places = new Set(before);
  for (const part of parts) for (const place of part?.paths ?? []) places.add(place);
  return [...places];
}

function splitUri(uri: string): [path: string, query: string] {
  const question = uri.indexOf('?');
  return question < 0 ? [uri, ''] : [uri.slice(0, question), uri.slice(question + 1)];
}

function attemptFrom({ at, url, reason, status, requestSent, ms }: Attempt): RecordAttempt {
  return { at, url, reason, status, request_sent: requestSent, ms };
}

function responseFrom({ status, rawHeaders, body, truncated }: CapturedResponse): RecordResponse {
  const { text, encoding } = encodeBody(body);
  const cookies = pairsFrom(rawHeaders).flatMap(([name, value]) =>
    name.toLowerCase() === 'set-cookie' ? [value] : [],
  );
  const headers = { ...joinHeaders(rawHeaders), ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) };
  return {
    status,
    headers,
    body: text,
    body_truncated: truncated,
    ...(encoding === 'base64' ? { body_encoding: encoding } : {}),
  };
}

function encodeBody(bytes: Uint8Array): { readonly text: string; readonly encoding: 'utf8' | 'base64' } {
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64';
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding), encoding };
}

function pairsFrom(rawHeaders: RawHeaders): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) pairs.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '']);
  return pairs;
}

/** RFC 9110 section 5.3; cookies as RFC 9113 section 8.2.3 joins them. */
function joinHeaders(rawHeaders: RawHeaders): Record<string, string> {
  const joined: Record<string, string> = {};
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const before = Object.hasOwn(joined, name) ? joined[name] : undefined;
    const field = rawHeaders[i + 1] ?? '';
    const value = before === undefined ? field : `${before}${name === 'cookie' ? '; ' : ', '}${field}`;
    if (name !== '__proto__') joined[name] = value;
    // Defined, not set: a header of that name becomes a field like any other.
    else Object.defineProperty(joined, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return joined;
}

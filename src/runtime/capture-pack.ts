/**
 * Captures on their way to the keeper. A clone of an object writes and reads the name of each field, and each body
 * becomes a piece of memory of its own; as rows, with all bodies in one piece, they cost half.
 */
import type { Attempt, Capture, CapturedResponse, RawHeaders, Reason, RequestHead, RequestSent } from '../exchange.ts';

export interface PackedCaptures {
  readonly rows: readonly Row[];
  /** Of those that are in memory, one behind the other. */
  readonly bodies: Uint8Array<ArrayBuffer>;
}

/** In the order of `Capture`. */
type Row = readonly [
  id: string,
  timestamp: number,
  head: HeadRow,
  /** Number of the file; null: in memory. */
  file: number | null,
  /** Bytes in memory. */
  length: number,
  truncated: boolean,
  totalBytes: number,
  rule: string,
  target: string,
  backendUrl: string,
  reason: Reason,
  errorReason: string,
  requestSent: RequestSent,
  attempts: readonly AttemptRow[],
  response: CapturedResponse | null,
  traceId: string,
  redacted: readonly string[] | undefined,
];

type HeadRow = readonly [
  listener: string,
  method: string,
  uri: string,
  rawHeaders: RawHeaders,
  authority: string,
  scheme: RequestHead['scheme'],
  httpVersion: RequestHead['httpVersion'],
  remoteAddress: string,
];

type AttemptRow = readonly [
  at: number,
  url: string,
  reason: Reason | null,
  status: number | null,
  requestSent: RequestSent,
  ms: number,
];

export function packCaptures(captures: readonly Capture[]): PackedCaptures {
  let length = 0;
  for (const { body } of captures) if (body.kind === 'memory') length += body.bytes.length;
  const bodies = new Uint8Array(length);
  let offset = 0;
  const rows = captures.map((capture) => {
    const { body } = capture;
    if (body.kind === 'memory') {
      bodies.set(body.bytes, offset);
      offset += body.bytes.length;
    }
    return rowOf(capture);
  });
  return { rows, bodies };
}

/** The bodies stay in the piece of memory that they came in. */
export function unpackCaptures({ rows, bodies }: PackedCaptures): Capture[] {
  let offset = 0;
  return rows.map((row) => {
    const [, , , , length] = row;
    const bytes = bodies.subarray(offset, offset + length);
    offset += length;
    return captureOf(row, bytes);
  });
}

function rowOf(capture: Capture): Row {
  const { id, timestamp, head, body, rule, target, backendUrl, reason, errorReason, requestSent } = capture;
  const { listener, method, uri, rawHeaders, authority, scheme, httpVersion, remoteAddress } = head;
  const inMemory = body.kind === 'memory';
  return [
    id,
    timestamp,
    [listener, method, uri, rawHeaders, authority, scheme, httpVersion, remoteAddress],
    inMemory ? null : body.file,
    inMemory ? body.bytes.length : 0,
    body.truncated,
    body.totalBytes,
    rule,
    target,
    backendUrl,
    reason,
    errorReason,
    requestSent,
    capture.attempts.map((attempt) => attemptRow(attempt)),
    capture.response,
    capture.traceId,
    capture.redacted,
  ];
}

function attemptRow({ at, url, reason, status, requestSent, ms }: Attempt): AttemptRow {
  return [at, url, reason, status, requestSent, ms];
}

function captureOf(row: Row, bytes: Uint8Array): Capture {
  const [id, timestamp, headRow, file, , truncated, totalBytes, rule, target, backendUrl, reason, errorReason] = row;
  const [, , , , , , , , , , , , requestSent, attempts, response, traceId, redacted] = row;
  const [listener, method, uri, rawHeaders, authority, scheme, httpVersion, remoteAddress] = headRow;
  return {
    id,
    timestamp,
    head: { listener, method, uri, rawHeaders, authority, scheme, httpVersion, remoteAddress },
    body:
      file === null ? { kind: 'memory', bytes, truncated, totalBytes } : { kind: 'file', file, truncated, totalBytes },
    rule,
    target,
    backendUrl,
    reason,
    errorReason,
    requestSent,
    attempts: attempts.map((attempt) => attemptOf(attempt)),
    response,
    traceId,
    ...(redacted === undefined ? {} : { redacted }),
  };
}

function attemptOf([at, url, reason, status, requestSent, ms]: AttemptRow): Attempt {
  return { at, url, reason, status, requestSent, ms };
}

/** Its memory goes back at once, instead of with some garbage later: the bodies of its captures are empty from now on. */
export function freePack({ bodies }: PackedCaptures): void {
  bodies.buffer.transfer(0);
}

/** What is sealed of a record, as bytes: the head as JSON with the kept answer's body behind it. */
import type { Capture } from '../exchange.ts';
import type { CaptureHead } from './states.ts';

type StoredResponse = Omit<NonNullable<Capture['response']>, 'body'>;

/** A format of the disk: fields may be added, never renamed or removed within a major version. */
interface StoredHead extends Omit<CaptureHead, 'response'> {
  readonly response: StoredResponse | null;
  /** Repeated here, where it is authenticated: the row's own columns are not. */
  readonly bodyFile: string | null;
  readonly storedBytes: number;
  /** Absent in records of release 0.1.0. */
  readonly totalBytes?: number | undefined;
  readonly truncated?: boolean | undefined;
}

export interface Payload {
  readonly head: CaptureHead;
  readonly bodyFile: string | null;
  readonly storedBytes: number;
  /** Null: only the row's own column tells, which a flipped bit may have changed. */
  readonly totalBytes: number | null;
  readonly truncated: boolean | null;
}

const LENGTH_BYTES = 4;

/** `head` may be a whole capture: its body is not among the stored. */
export function encodePayload({ head, bodyFile, storedBytes, totalBytes, truncated }: Payload): Buffer {
  const { response: answer } = head;
  const response = answer && { status: answer.status, rawHeaders: answer.rawHeaders, truncated: answer.truncated };
  const stored: StoredHead & { readonly body: undefined } = {
    ...head,
    // What is undefined is no part of the JSON.
    body: undefined,
    response,
    bodyFile,
    storedBytes,
    totalBytes: totalBytes ?? undefined,
    truncated: truncated ?? undefined,
  };
  const json = JSON.stringify(stored);
  const jsonBytes = Buffer.byteLength(json);
  const payload = Buffer.allocUnsafe(LENGTH_BYTES + jsonBytes + (answer?.body.length ?? 0));
  payload.writeUInt32BE(jsonBytes);
  payload.write(json, LENGTH_BYTES);
  if (answer !== null) payload.set(answer.body, LENGTH_BYTES + jsonBytes);
  return payload;
}

/** Only for bytes that were authenticated: it trusts their shape. */
export function decodePayload(bytes: Buffer): Payload {
  const end = LENGTH_BYTES + bytes.readUInt32BE(0);
  const stored: StoredHead = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end));
  const { response, bodyFile, storedBytes, totalBytes = null, truncated = null, ...rest } = stored;
  const answer = response && { ...response, body: new Uint8Array(bytes.subarray(end)) };
  return { head: { ...rest, response: answer }, bodyFile, storedBytes, totalBytes, truncated };
}

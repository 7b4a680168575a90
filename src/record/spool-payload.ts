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
  readonly totalBytes?: number;
  readonly truncated?: boolean;
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

export function encodePayload({ head, bodyFile, storedBytes, totalBytes, truncated }: Payload): Buffer {
  const { response: answer, ...rest } = head;
  const response = answer && { status: answer.status, rawHeaders: answer.rawHeaders, truncated: answer.truncated };
  const total = totalBytes === null ? {} : { totalBytes };
  const stored: StoredHead = {
    ...rest,
    response,
    bodyFile,
    storedBytes,
    ...total,
    ...(truncated === null ? {} : { truncated }),
  };
  const json = Buffer.from(JSON.stringify(stored), 'utf8');
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32BE(json.length);
  return Buffer.concat([length, json, answer?.body ?? Buffer.alloc(0)]);
}

/** Only for bytes that were authenticated: it trusts their shape. */
export function decodePayload(bytes: Buffer): Payload {
  const end = LENGTH_BYTES + bytes.readUInt32BE(0);
  const stored: StoredHead = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end));
  const { response, bodyFile, storedBytes, totalBytes = null, truncated = null, ...rest } = stored;
  const answer = response && { ...response, body: new Uint8Array(bytes.subarray(end)) };
  return { head: { ...rest, response: answer }, bodyFile, storedBytes, totalBytes, truncated };
}

/** Answers to GET and HEAD as RFC 9112 says them, to the letter: what a target's bytes mean when nobody is lenient. */
import { type Body, Broken, chunksOf, type Field, fieldOf, valuesOf } from './strict-request.ts';

export type AnsweredMethod = 'GET' | 'HEAD';

export type AnswerReading =
  | { readonly kind: 'whole'; readonly status: number; readonly fields: readonly Field[]; readonly body: Buffer }
  /** No final head without fault: nothing of it may be relayed. */
  | { readonly kind: 'badHead'; readonly why: string }
  /** A head without fault, and a body that is broken or not all there. */
  | { readonly kind: 'badBody'; readonly why: string };

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** `closed`: the connection ended after the bytes, which for some answers is what ends them. */
export function readAnswer(bytes: Buffer, closed: boolean, method: AnsweredMethod = 'GET'): AnswerReading {
  let rest = bytes;
  for (;;) {
    const head = readHead(rest);
    if (typeof head === 'string') return { kind: 'badHead', why: head };
    if (head.status >= 200) return withBody(head, rest.subarray(head.end), closed, method);
    if (head.status === 101) return { kind: 'badHead', why: 'another protocol, though nobody asked (9110 7.8)' };
    rest = rest.subarray(head.end);
  }
}

interface Head {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly end: number;
}

function readHead(bytes: Buffer): Head | string {
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
  const headEnd = bytes.indexOf('\r\n\r\n', start);
  const [line = '', ...lines] = bytes.toString('latin1', start, Math.max(headEnd, start)).split('\r\n');
  if (headEnd < 0) return 'no end of the head';
  const match = STATUS_LINE.exec(line);
  if (match === null) return 'no status line (9112 4)';
  try {
    const fields = lines.map(fieldOf);
    return { status: Number(match[1]), fields, end: headEnd + 4 };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function withBody(head: Head, bytes: Buffer, closed: boolean, method: AnsweredMethod): AnswerReading {
  const { status, fields } = head;
  const framing = framingOf(fields);
  const hasNone = method === 'HEAD' || status === 204 || status === 304;
  if (!hasNone && typeof framing === 'string' && framing !== 'chunked' && framing !== 'close') {
    return { kind: 'badHead', why: framing };
  }
  // 205 has no content, though its framing has to say so (9110 15.3.6).
  if (hasNone || status === 205) return { kind: 'whole', status, fields, body: NOTHING };
  if (framing === 'close') {
    return closed ? whole(head, bytes) : { kind: 'badBody', why: 'no end of the connection' };
  }
  try {
    const body = framing === 'chunked' ? chunksOf(bytes, 0) : prefix(bytes, Number(framing));
    return body === null ? { kind: 'badBody', why: 'a part of the body (9112 8)' } : whole(head, body.bytes);
  } catch (error) {
    if (error instanceof Broken) return { kind: 'badBody', why: error.message };
    throw error;
  }
}

const whole = ({ status, fields }: Head, body: Buffer): AnswerReading => ({ kind: 'whole', status, fields, body });

const NOTHING = Buffer.alloc(0);

const prefix = (bytes: Buffer, length: number): Body | null =>
  bytes.length < length ? null : { bytes: bytes.subarray(0, length), end: length };

/** A number of bytes, `chunked` (also in HTTP/1.0: 9112 6.1 asks to close after it), `close`, or what is wrong. */
function framingOf(fields: readonly Field[]): number | string {
  const lengths = valuesOf(fields, 'content-length');
  const codings = valuesOf(fields, 'transfer-encoding');
  if (codings.length > 0 && lengths.length > 0) return 'Content-Length beside Transfer-Encoding (9112 6.3)';
  if (codings.length > 1 || codings.some((coding) => coding.toLowerCase() !== 'chunked')) {
    return 'a coding other than exactly chunked (9112 6.1)';
  }
  if (codings.length === 1) return 'chunked';
  if (lengths.length > 1) return 'more than one Content-Length (9112 6.3)';
  if (lengths.some((length) => !/^0*[0-9]{1,15}$/.test(length))) return 'an invalid Content-Length (9110 8.6)';
  return lengths.length === 0 ? 'close' : Number(lengths[0]);
}

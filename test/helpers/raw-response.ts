/** Reads HTTP/1.1 answers out of bytes, strictly enough to notice a broken one. */

export interface RawResponse {
  readonly statusLine: string;
  readonly status: number;
  readonly rawHeaders: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** The value of the first field with this name in any case. */
  header(name: string): string | undefined;
}

export interface Parsed {
  /** Complete answers, interim ones (1xx) among them. */
  readonly responses: RawResponse[];
  /** Bytes after the last complete answer. */
  readonly rest: Buffer;
}

type Headers = [string, string][];

/**
 * @param methods the requests' methods in order, so that an answer to HEAD is known to have no body
 * @param closed whether the connection has ended: an answer without a length is complete only then
 */
export function parseResponses(bytes: Buffer, methods: readonly string[], closed: boolean): Parsed {
  const responses: RawResponse[] = [];
  let at = 0;
  let final = 0;
  for (;;) {
    const next = parseResponse(bytes, at, methods[final] ?? 'GET', closed);
    if (next === null) return { responses, rest: bytes.subarray(at) };
    responses.push(next.response);
    at = next.end;
    if (next.response.status >= 200 || next.response.status === 101) final += 1;
    // What follows 101 belongs to the other protocol.
    if (next.response.status === 101) return { responses, rest: bytes.subarray(at) };
  }
}

function parseResponse(
  bytes: Buffer,
  start: number,
  method: string,
  closed: boolean,
): { response: RawResponse; end: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n', start);
  if (headEnd < 0) return null;
  const [statusLine = '', ...lines] = bytes.toString('latin1', start, headEnd).split('\r\n');
  const match = /^HTTP\/1\.[01] ([1-9][0-9]{2})( .*)?$/.exec(statusLine);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const status = Number(match[1]);
  const rawHeaders = lines.map(parseField);
  const body = parseBody(bytes, headEnd + 4, bodyLength(status, method, rawHeaders), closed);
  if (body === null) return null;
  const header = (name: string): string | undefined => field(rawHeaders, name);
  return {
    response: { statusLine, status, rawHeaders, body: body.bytes, trailers: body.trailers, header },
    end: body.end,
  };
}

function parseField(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new Error(`not a header field: ${JSON.stringify(line)}`);
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

function field(headers: Headers, name: string): string | undefined {
  return headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** RFC 9112 section 6.3. */
function bodyLength(status: number, method: string, headers: Headers): number | 'chunked' | 'close' {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
  if (field(headers, 'transfer-encoding')?.toLowerCase().endsWith('chunked') === true) return 'chunked';
  const length = field(headers, 'content-length');
  return length === undefined ? 'close' : Number(length);
}

interface Body {
  bytes: Buffer;
  end: number;
  trailers: Headers;
}

function parseBody(bytes: Buffer, from: number, length: number | 'chunked' | 'close', closed: boolean): Body | null {
  if (length === 'chunked') return parseChunks(bytes, from);
  if (length === 'close') return closed ? { bytes: bytes.subarray(from), end: bytes.length, trailers: [] } : null;
  const end = from + length;
  return bytes.length < end ? null : { bytes: bytes.subarray(from, end), end, trailers: [] };
}

function parseChunks(bytes: Buffer, from: number): Body | null {
  const chunks: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const line = bytes.toString('latin1', at, lineEnd);
    if (!/^[0-9a-f]+(;.*)?$/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) return parseTrailers(bytes, at, Buffer.concat(chunks));
    if (bytes.length < at + size + 2) return null;
    chunks.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

function parseTrailers(bytes: Buffer, from: number, body: Buffer): Body | null {
  const trailers: Headers = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    if (lineEnd === at) return { bytes: body, end: at + 2, trailers };
    trailers.push(parseField(bytes.toString('latin1', at, lineEnd)));
    at = lineEnd + 2;
  }
}

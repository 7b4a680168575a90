/** Whatever byte stands where in an answer, it is relayed only as a strict reader of RFC 9112 reads it. */
import { startRawTarget } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const CALLERS = 16;

/** `@` is where a byte is put in. */
const PLACES: readonly string[] = [
  '@HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/@1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1@ 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 @200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200@ OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 O@K\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK@\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r@\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\n@Content-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent@-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length@: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length:@ 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: @5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: 5@\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r@\n\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n@\r\nhello',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r@\nhello',
  'HTTP/1.1 200 OK\r\nX-A: 1@2\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nX-A: 1\r@\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nX-A@: 1\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding@: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: @chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked@\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-@Encoding: chunked\r\nContent-Length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n@5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5@\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r@\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a@b\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello@\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r@\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n@0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0@\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n@\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T@: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1@\r\n\r\n',
];

/** Every byte in full; else those that parsers differ about, and every seventh. */
const BYTES = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => FULL || byte <= 0x20 || ';:,-+0x'.includes(String.fromCharCode(byte)) || byte === 0x7f || byte % 7 === 0,
);

interface Answer {
  readonly status: number;
  readonly body: string;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD_LINE = new RegExp(`^(${TOKEN}):[\\t ]*([\\t\\x20-\\x7e\\x80-\\xff]*?)[\\t ]*$`);
const CHUNK_LINE = new RegExp(
  `^([0-9a-fA-F]{1,8})(?:[\\t ]*;[\\t ]*${TOKEN}(?:[\\t ]*=[\\t ]*(?:${TOKEN}|"[^"]*"))?)*$`,
);

/** null: RFC 9112 calls it no message, or it is not whole. The connection ends after the text. */
function readStrictly(text: string): Answer | null {
  const start = text.startsWith('\r\n') ? 2 : 0;
  const headEnd = text.indexOf('\r\n\r\n', start);
  if (headEnd < 0) return null;
  const [statusLine = '', ...lines] = text.slice(start, headEnd).split('\r\n');
  const status = Number(STATUS_LINE.exec(statusLine)?.[1]);
  const fields = readFields(lines);
  if (Number.isNaN(status) || fields === null) return null;
  const rest = text.slice(headEnd + 4);
  const codings = fields.get('transfer-encoding') ?? [];
  const lengths = fields.get('content-length') ?? [];
  if (codings.length > 0 && lengths.length > 0) return null;
  if (codings.length > 0) {
    const body = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked' ? readChunks(rest) : null;
    return body === null ? null : { status, body };
  }
  if (lengths.length === 0) return { status, body: rest };
  const [length = ''] = lengths;
  if (lengths.length > 1 || !/^\d+$/.test(length) || rest.length < Number(length)) return null;
  return { status, body: rest.slice(0, Number(length)) };
}

function readFields(lines: readonly string[]): Map<string, string[]> | null {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = '', value = ''] = FIELD_LINE.exec(line) ?? [];
    if (name === '') return null;
    fields.set(name.toLowerCase(), [...(fields.get(name.toLowerCase()) ?? []), value]);
  }
  return fields;
}

function readChunks(text: string): string | null {
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = lineEnd < 0 ? undefined : CHUNK_LINE.exec(text.slice(at, lineEnd))?.[1];
    if (size === undefined) return null;
    at = lineEnd + 2;
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    body += text.slice(at, at + length);
    at += length + 2;
    if (text.slice(at - 2, at) !== '\r\n') return null;
  }
  const trailers = text.slice(at).split('\r\n');
  const end = trailers.indexOf('');
  return end < 0 || end === trailers.length - 1 || readFields(trailers.slice(0, end)) === null ? null : body;
}

/** '' when what the caller gets agrees with the strict reader. */
async function differenceIn(path: RunningPath, index: number, text: string): Promise<string> {
  const expected = readStrictly(text);
  const { responses, ended } = await sendRaw(path.port, `GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`, { responses: 1 });
  const last = responses.at(-1);
  if (last === undefined) return ended === 'closed' || ended === 'reset' ? '' : `nothing: ${ended}`;
  if (last.status === 502) return '';
  const got = `${last.status} ${JSON.stringify(last.body.toString('latin1'))}`;
  if (expected === null) return `${JSON.stringify(text)} was relayed as ${got}`;
  const wanted = `${expected.status} ${JSON.stringify(expected.body)}`;
  return got === wanted ? '' : `${JSON.stringify(text)} is ${wanted}, and was relayed as ${got}`;
}

test(`F26 U05 ${PLACES.length} places by ${BYTES.length} bytes: an answer is relayed as a strict reader reads it, or not at all`, async () => {
  const texts = PLACES.flatMap((place) => [
    place.replace('@', ''),
    ...BYTES.map((byte) => place.replace('@', () => String.fromCharCode(byte))),
  ]);
  const target = await startRawTarget(async (connection) => {
    const head = await connection.readHead();
    await connection.send(texts[Number(/^GET \/(\d+) /.exec(head)?.[1])] ?? '');
    connection.close();
  });
  const keys = { urls: [{ url: target.url }], circuitBreaker: { failures: 1_000_000 } };
  const rules = [{ name: 'all', target: 'prod', capture: { when: ['none'] } }];
  const path = await startPath({ process: { log: { access: 'none' } }, routes: { targets: { prod: keys }, rules } });
  const differences: string[] = [];
  let next = 0;
  const call = async (): Promise<void> => {
    while (next < texts.length) {
      const index = next++;
      const difference = await differenceIn(path, index, texts[index] ?? '');
      if (difference !== '') differences.push(difference);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
  expect(differences).toEqual([]);
});

import { TolerantReader } from '../../src/accept/tolerant-reader.ts';
import { repairHead, type Tolerance } from '../../src/accept/tolerate.ts';

const ALL: readonly Tolerance[] = ['missing-host', 'raw-target', 'bare-lf', 'obs-fold'];

function repaired(head: string, tolerances: readonly Tolerance[] = ALL) {
  const { bytes, framing, repaired: kinds } = repairHead(Buffer.from(head, 'latin1'), new Set(tolerances), 'here:1');
  return { text: bytes.toString('latin1'), framing, kinds };
}

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

describe('a head is repaired', () => {
  test.each<[string, string, string, Tolerance[]]>([
    [
      'without Host',
      'GET / HTTP/1.1\r\nA: b\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: here:1\r\nA: b\r\n\r\n',
      ['missing-host'],
    ],
    [
      'with spaces in its target',
      'GET /a b  c?d e HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /a%20b%20%20c?d%20e HTTP/1.1\r\nHost: a\r\n\r\n',
      ['raw-target'],
    ],
    [
      'with UTF-8 in its target',
      `GET /${utf8('é')}%C3 HTTP/1.0\r\n\r\n`,
      'GET /%C3%A9%C3 HTTP/1.0\r\n\r\n',
      ['raw-target'],
    ],
    [
      'with line ends of LF alone',
      'POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n',
      ['bare-lf'],
    ],
    [
      'with folded lines',
      'GET / HTTP/1.1\r\nHost: a\r\nX: one \r\n\t two\r\n three\r\nY: z\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nX: one two three\r\nY: z\r\n\r\n',
      ['obs-fold'],
    ],
    [
      'with all of it',
      'GET /a b HTTP/1.1\nX: one\n two\n\n',
      'GET /a%20b HTTP/1.1\r\nHost: here:1\r\nX: one two\r\n\r\n',
      ['bare-lf', 'raw-target', 'obs-fold', 'missing-host'],
    ],
  ])('%s', (_, head, text, kinds) => {
    expect(repaired(head)).toMatchObject({ text, kinds });
    // Each kind only where it is tolerated.
    for (const kind of kinds) {
      const others = ALL.filter((each) => each !== kind);
      expect(repaired(head, others)).toMatchObject({ text: head, kinds: [] });
    }
  });
});

describe('a head stays as it is', () => {
  test.each([
    ['when nothing is wrong', 'GET / HTTP/1.1\r\nHost: a\r\nX:y\r\n\r\n'],
    ['when HTTP/1.0 has no Host', 'GET / HTTP/1.0\r\n\r\n'],
    ['when its lines end in different ways', 'GET / HTTP/1.1\r\nx: x\nTransfer-Encoding: chunked\r\n\r\n'],
    ['when a CR stands alone', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n'],
    ['when its length is folded', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n 0\r\n\r\n'],
    ['when its coding is folded', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n'],
    ['when Connection is folded', 'GET / HTTP/1.1\r\nHost: a\r\nConnection:\r\n close\r\n\r\n'],
    ['when a fold hides a length', 'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 38\r\n\r\n'],
    ['when a fold hides a host', 'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\thost : b\r\n\r\n'],
    ['when the first field is folded', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
    ['when a name is none', 'GET / HTTP/1.1\r\nX : y\r\n\r\n'],
    ['when the target begins with a space', 'GET  /a HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['when the target ends with a space', 'GET /a  HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['when the target holds a control character', 'GET /a\x01 b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['when the target is not UTF-8', 'GET /a\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['when the raw target is no path', 'GET http://a b/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['when the version is another', 'GET /a b HTTP/1.2\r\nHost: a\r\n\r\n'],
    ['when there are two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ])('%s', (_, head) => {
    expect(repaired(head)).toMatchObject({ text: head, kinds: [] });
  });
});

describe('where the next head begins', () => {
  const framingOf = (fields: string, version = '1.1') =>
    repaired(`POST / HTTP/${version}\r\nHost: a\r\n${fields}\r\n`).framing;

  test.each<[string, string, number | 'chunked' | 'unknown']>([
    ['no body', '', 0],
    ['a length', 'Content-Length: 010\r\n', 10],
    ['chunks', 'Transfer-Encoding: Chunked\r\n', 'chunked'],
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 3\r\n', 'unknown'],
    ['both', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', 'unknown'],
    ['another coding', 'Transfer-Encoding: gzip, chunked\r\n', 'unknown'],
    ['a length that is none', 'Content-Length: +3\r\n', 'unknown'],
    ['the last request', 'Connection: close\r\n', 'unknown'],
    ['an upgrade', 'Connection: Upgrade\r\nUpgrade: websocket\r\n', 'unknown'],
  ])('is known by %s', (_, fields, framing) => {
    expect(framingOf(fields)).toBe(framing);
  });

  test('is not known behind chunks of HTTP/1.0 and behind CONNECT', () => {
    expect(framingOf('Transfer-Encoding: chunked\r\n', '1.0')).toBe('unknown');
    expect(repaired('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n').framing).toBe('unknown');
  });
});

describe('a connection', () => {
  function readAll(bytes: string, size: number, headBytes = 1000): { text: string; kinds: Tolerance[] } {
    const kinds: Tolerance[] = [];
    const reader = new TolerantReader({
      tolerances: new Set(ALL),
      authority: 'here:1',
      headBytes,
      onRepaired: (kind) => kinds.push(kind),
    });
    const all = Buffer.from(bytes, 'latin1');
    const out: Buffer[] = [];
    for (let at = 0; at < all.length; at += size) out.push(reader.read(all.subarray(at, at + size)));
    out.push(reader.end());
    return { text: Buffer.concat(out).toString('latin1'), kinds };
  }

  const LF = 'GET /a b HTTP/1.1\nHost: a\n\n';
  const FIXED = 'GET /a%20b HTTP/1.1\r\nHost: a\r\n\r\n';
  const BODY = 'GET /x y HTTP/1.1\n\n';
  const sized = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
  const chunked = `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)};a=b\r\n${BODY}\r\n0\r\nX: y\r\n\r\n`;

  test.each([1, 2, 3, 7, 10_000])('in pieces of %i bytes: every head is repaired, and no byte of a body', (size) => {
    expect(readAll(`${LF}${sized}\r\n${chunked}${LF}`, size)).toEqual({
      text: `${FIXED}${sized}\r\n${chunked}${FIXED}`,
      kinds: ['bare-lf', 'raw-target', 'bare-lf', 'raw-target'],
    });
  });

  test.each([
    ['a request that is its last', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a head that is no request', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
    ['a chunk line that ends with LF alone', chunked.replace('a=b\r\n', 'a=b\n')],
    ['a trailer that ends with LF alone', chunked.replace('X: y\r\n', 'X: y\n')],
    ['a chunk size with a sign', chunked.replace(`${BODY.length.toString(16)};`, '+1;')],
  ])('behind %s nothing is repaired any more', (_, before) => {
    for (const size of [1, 10_000]) expect(readAll(before + LF, size)).toEqual({ text: before + LF, kinds: [] });
  });

  test('a head that is too large, or never ends, goes on as it is', () => {
    const head = `GET / HTTP/1.1\nX: ${'x'.repeat(2000)}\n`;
    expect(readAll(head, 1)).toEqual({ text: head, kinds: [] });
    expect(readAll('GET / HT', 1)).toEqual({ text: 'GET / HT', kinds: [] });
  });
});

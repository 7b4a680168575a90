/** Each form that may be read in two ways, as bytes on a connection: what the parser refuses and what the guard does. */
import { connect } from 'node:net';
import { startRawTarget, startTarget, type Target } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { type RawResult, sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const statuses = ({ responses }: RawResult): number[] => responses.map(({ status }) => status);

let target: Target;
let path: RunningPath;

beforeAll(async () => {
  target = await startTarget(undefined, { shared: true });
  path = await startPath({ routes: { targets: { prod: target.url } }, shared: true });
});

const wholeRequests = (): string[] => target.requests.filter(({ complete }) => complete).map(({ uri }) => uri);

/** One answer, the end of the connection, and nothing whole at a target, not even what stands behind it. */
async function expectRefused(bytes: string, allowed: readonly number[] = [400]): Promise<void> {
  const before = wholeRequests();
  const result = await sendRaw(path.port, bytes + SMUGGLED);
  expect(statuses(result)).toHaveLength(1);
  expect(allowed).toContain(statuses(result)[0]);
  expect(result.responses[0]?.header('connection')).toBe('close');
  expect(result.rest).toHaveLength(0);
  expect(wholeRequests()).toEqual(before);
}

const post = (fields: string, body = ''): string => `POST /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`;
const get = (fields: string): string => `GET /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked', body);

/** All at once: a connection that is closed in stages takes a second. */
async function each(values: readonly string[], check: (value: string) => Promise<void>): Promise<void> {
  const failed = (value: string) => (error: unknown) => {
    throw new Error(`${JSON.stringify(value)}: ${String(error)}`);
  };
  await Promise.all(values.map((value) => check(value).catch(failed(value))));
}

const shown = (id: string, values: readonly string[]): (readonly [title: string, value: string])[] =>
  values.map((value) => [`${id} ${JSON.stringify(value)}`, value] as const);

describe('framing fields', () => {
  test.each([
    ['F01 length, then chunked', 'Content-Length: 36\r\nTransfer-Encoding: chunked'],
    ['F01 chunked, then length', 'Transfer-Encoding: chunked\r\nContent-Length: 36'],
    ['F01 length beside chunked with a space behind it', 'Content-Length: 36\r\nTransfer-Encoding: chunked '],
    ['F01 length beside two codings', 'Content-Length: 36\r\nTransfer-Encoding: identity,chunked'],
    ['F02 two different lengths', 'Content-Length: 3\r\nContent-Length: 4'],
    ['F02 the same length twice', 'Content-Length: 3\r\nContent-Length: 3'],
    ['F02 two lengths in different case', 'content-length: 3\r\nCONTENT-LENGTH: 3'],
    ['F02 a list of lengths', 'Content-Length: 3, 3'],
  ])('%s', async (_, fields) => {
    await expectRefused(post(fields, '0\r\n\r\n'), [400, 501]);
  });

  test('F03 a length that is no number of bytes', async () => {
    const values = ['+5', '-48', '0x10', '1Z', '5 5', '', '9223372036854775808', '1\t2', '5\0', '5,'];
    await each(values, (value) => expectRefused(post(`Content-Length: ${value}`, 'hello')));
  });

  test('F04 F05 a coding that is not exactly chunked', async () => {
    const values = [
      ...['chunked, chunked', 'xchunked', 'chunked, gzip', 'gzip', 'carrier-pigeon', 'identity', ''],
      ...[',chunked', 'gzip, chunked', 'identity, chunked', 'chunked;q=1', '"chunked"', 'chunked,'],
    ];
    await each(values, (value) => expectRefused(post(`Transfer-Encoding: ${value}`, '0\r\n\r\n'), [400, 501]));
  });

  test('F04 two Transfer-Encoding lines', async () => {
    await expectRefused(post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'), [400, 501]);
  });

  test('F15 HTTP/1.0 with Transfer-Encoding', async () => {
    await expectRefused(chunked('0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'));
  });
});

describe('lines of a head', () => {
  const controls = Array.from({ length: 0x20 }, (_, code) => code).filter((code) => code !== 0x09);
  const hex = (code: number): string => code.toString(16).padStart(2, '0');

  test.each([
    ['F08 a space before the colon', 'X-One : 1\r\n'],
    ['F08 a tab before the colon', 'X-One\t: 1\r\n'],
    ['F09 a field folded with a space', 'X-One: 1\r\n 2\r\n'],
    ['F09 a field folded with a tab', 'X-One: 1\r\n\t2\r\n'],
    ['F09 a fold that begins the fields', ' X-One: 1\r\n'],
    ['F09 a fold at the end of the head', 'X-One: 1\r\n \r\n'],
    ['F10 a bare CR in a name', 'X-\rOne: 1\r\n'],
    ['F10 a bare LF between two fields', 'X-One: 1\nX-Two: 2\r\n'],
    ['F30 a bare CR before a field', 'X-One: 1\r\n\rX-Two: 2\r\n'],
    ['F30 a framing field behind a bare CR', 'X-One: 1\r\n\rTransfer-Encoding: chunked\r\n'],
    ['F30 a framing field behind two CR', 'X-One: 1\r\r\nTransfer-Encoding: chunked\r\n'],
    ['F30 a CR inside a framing field', 'Transfer-\rEncoding: chunked\r\n'],
  ])('%s', async (_, fields) => {
    await expectRefused(get(fields));
  });

  test('F30 an X behind the CR that ends a head', async () => {
    await expectRefused('GET /x HTTP/1.1\r\nHost: a\r\n\rX');
  });

  test('F10 no control character passes, in a value, a name or a target', async () => {
    for (const code of [...controls, 0x7f]) {
      const character = String.fromCharCode(code);
      const where = [get(`X-One: 1${character}2\r\n`), get(`X-${character}: 1\r\n`), `GET /${character}x HTTP/1.1\r\n`];
      for (const bytes of where) {
        try {
          await expectRefused(bytes.startsWith('GET /x') ? bytes : `${bytes}Host: a\r\n\r\n`, [400, 505]);
        } catch (error) {
          throw new Error(`0x${hex(code)} in ${JSON.stringify(bytes)}: ${String(error)}`);
        }
      }
    }
  }, 30_000);
});

describe('chunks', () => {
  const sizes = ['0x5', '+5', '-0x0', '0_2e', ' 5', '5 ', '', 'Z', '10000000000000005', 'FFFFFFFFFFFFFFED5'];

  test.each(shown('F11 a chunk size of', sizes))('%s', async (_, size) => {
    await expectRefused(chunked(`${size}\r\nhello\r\n0\r\n\r\n`));
  });

  test.each([
    ...shown('F12 a size line that ends with', ['\n', '\r', '\rX', '\r\r', 'XX', '', ';a\nb\r\n']).map(
      ([title, end]) => [title, `5${end}hello\r\n0\r\n\r\n`] as const,
    ),
    ...shown('F12 a chunk that ends with', ['\n', '\r', '\rX', '\r\r', 'XX', '', 'XXX\r\n']).map(
      ([title, end]) => [title, `5\r\nhello${end}0\r\n\r\n`] as const,
    ),
  ])('%s', async (_, body) => {
    await expectRefused(chunked(body));
  });

  test('F11 a chunk of almost 2^64 bytes is one that never ends: what is behind it is its own, and the upload is cut', async () => {
    const at = await startTarget();
    const limits = { bodyIdle: '200ms' };
    const own = await startPath({ process: { limits }, routes: { targets: { prod: at.url } } });
    const result = await sendRaw(own.port, chunked(`FFFFFFFFFFFFFFED\r\nhello\r\n0\r\n\r\n${SMUGGLED}`));
    expect([statuses(result), result.ended]).toEqual([[408], 'closed']);
    await waitFor(() => at.requests.every(({ aborted }) => aborted), { what: 'the upload to be cut' });
    expect(at.requests.map(({ uri, complete }) => [uri, complete])).toEqual([['/x', false]]);
  });

  test('F11 an upload that is on its way is cut at the target, which never reads an end of it', async () => {
    const raw = await startRawTarget(() => undefined);
    const own = await startPath({ routes: { targets: { prod: raw.url } } });
    const socket = connect(own.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.write(chunked('5\r\nhello\r\n'));
    await waitFor(() => raw.connections[0]?.received().includes('5\r\nhello'), { what: 'the first chunk' });
    socket.write('+5\r\nworld\r\n0\r\n\r\n');
    await waitFor(() => socket.closed, { what: 'the end of the connection' });
    await waitFor(() => raw.connections[0]?.socket.destroyed, { what: 'the upload to be cut' });
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(String(raw.connections[0]?.received())).toMatch(/5\r\nhello(?:\r\n)?$/);
    expect(own.captures).toEqual([]);
  });

  test('F13 bytes of extensions are counted over all chunks: a flood of 1-byte chunks with 4 KB each is 413', async () => {
    const raw = await startRawTarget(() => undefined);
    const own = await startPath({ routes: { targets: { prod: raw.url } } });
    const flood = `1;${'x'.repeat(4096)}\r\na\r\n`.repeat(2500);
    const { responses } = await sendRaw(own.port, chunked(flood), { responses: 1 });
    expect(responses[0]?.status).toBe(413);
    expect(own.metric('outrider_rejected_total', { reason: 'chunkExtensions' })).toBe(1);
    await waitFor(() => raw.connections.every(({ socket }) => socket.destroyed), { what: 'the upload to be cut' });
    // Far less than half a MiB of them was read.
    expect(Buffer.concat(raw.connections.map((one) => one.received())).length).toBeLessThan(2000);
  });

  test('F13 small chunks without extensions may be as many as they like', async () => {
    const at = await startTarget();
    const own = await startPath({ routes: { targets: { prod: at.url } } });
    const bytes = chunked(`${'0001;a=b\r\nx\r\n'.repeat(30_000)}0\r\n\r\n`);
    expect(statuses(await sendRaw(own.port, bytes, { responses: 1 }))).toEqual([200]);
    expect(at.last().body).toHaveLength(30_000);
  });
});

describe('request lines and Host', () => {
  test.each<readonly [string, string]>([
    ...['HTTP/2.0', 'HTTP/1.32', 'HTTP/4294967295.255', 'HTTP/\r\r1.1', 'HTTP/1', 'http/1.1', 'HTTPS/1.1'].map(
      (version) => [`F17 ${JSON.stringify(version)}`, `GET /x ${version}\r\nHost: a\r\n\r\n`] as const,
    ),
    ['F16 HTTP/0.9', 'GET /x\r\n\r\n'],
    ['F17 the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    await expectRefused(bytes, [400, 505]);
  });

  test.each(shown('F18 a Host of', ['a/b c', 'a b', "[::1]' UNION", ':80', 'a:b', 'me@a', 'a\\b', 'a?b', 'a#b', 'a/']))(
    '%s',
    async (_, host) => {
      await expectRefused(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    },
  );

  test.each([
    ['F18 no Host', 'GET /x HTTP/1.1\r\n\r\n'],
    ['F18 two Hosts', 'GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
    ['F18 two Hosts in different case', 'GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: b\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    await expectRefused(bytes);
  });

  test.each([
    ...['GET *', 'OPTIONS */test', 'GET admin', 'GET host:80', 'PUT s://]ufd/:', 'GET /a b', 'GET /a#frag'],
    ...['GET /caf\xe9', 'GET http://', 'GET http://me@a/', 'CONNECT /', 'CONNECT host', 'CONNECT host:443'],
  ])('F25 %j', async (start) => {
    await expectRefused(`${start} HTTP/1.1\r\nHost: a\r\n\r\n`, [400, 501]);
  });

  test.each(['x 100-continue', '100-continue, x', '101-continue', '100-continue;q=1'])(
    'F24 Expect: %s is 417, and no 100 Continue is sent',
    async (value) => {
      await expectRefused(post(`Expect: ${value}\r\nContent-Length: 5`), [417]);
    },
  );

  test('F29 of 1,500 short fields none is dropped: the whole is 431, the credential at its end unread', async () => {
    await expectRefused(get(`${'a:b\r\n'.repeat(1500)}Authorization: Basic eA==\r\n`), [431]);
  });
});

describe('what passes', () => {
  const seen = async (bytes: string, options = {}): Promise<{ result: RawResult; at: Target }> => {
    const at = await startTarget();
    const own = await startPath({ routes: { targets: { prod: at.url } } });
    return { result: await sendRaw(own.port, bytes, { responses: 1, ...options }), at };
  };

  test('F03 a length of 010 is ten bytes, and what follows them is the next request', async () => {
    const bytes = `${post('Content-Length: 010', '0123456789')}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { result, at } = await seen(bytes, { responses: 2 });
    expect(statuses(result)).toEqual([200, 200]);
    expect(at.requests.map(({ uri, body }) => `${uri} ${body}`).toSorted()).toEqual(['/next ', '/x 0123456789']);
  });

  test('white space around a value is not part of it, for us and for the target', async () => {
    const bytes = post('Content-Length:\t 2 \t\r\nX-One: \t 1 2 \t', 'ab');
    const { result, at } = await seen(bytes);
    expect(statuses(result)).toEqual([200]);
    expect(String(at.last().body)).toBe('ab');
    expect(at.last().headers['x-one']).toBe('1 2');
  });

  test('F24 Expect in HTTP/1.0 is ignored: no 100 is sent', async () => {
    const bytes = post('Expect: 100-continue\r\nContent-Length: 5', 'hello').replace('HTTP/1.1', 'HTTP/1.0');
    const { result, at } = await seen(bytes);
    expect(statuses(result)).toEqual([200]);
    expect(String(at.last().body)).toBe('hello');
  });

  test('F19 three chunked uploads in a row are three requests, their answers in order', async () => {
    const each = (n: number): string =>
      `POST /${n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nno ${n}\r\n0\r\n\r\n`;
    const { result, at } = await seen([1, 2, 3].map(each).join('\r\n'), { responses: 3 });
    expect(result.responses.map(({ body }) => JSON.parse(String(body)).body)).toEqual(['no 1', 'no 2', 'no 3']);
    expect(at.requests.map(({ uri }) => uri).toSorted()).toEqual(['/1', '/2', '/3']);
  });

  test('F18 an empty Host is one, where no authority is meant', async () => {
    const { result, at } = await seen('GET /x HTTP/1.1\r\nHost: \r\n\r\n');
    expect(statuses(result)).toEqual([200]);
    expect(at.last().headers.host).toBe(`127.0.0.1:${at.port}`);
  });
});

describe('sizes', () => {
  /** Fields of so many bytes together, as `limits.headerBytes` counts them. */
  const headOf = (bytes: number): string => `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'v'.repeat(bytes - 9 - 5)}\r\n\r\n`;

  test.each([
    ['whole', {}],
    ['byte by byte', { splitEvery: 1 }],
  ])('L01 a head of limits.headerBytes passes, one byte more is 431 (%s)', async (_, split) => {
    const own = await startPath({
      process: { limits: { headerBytes: '4Ki' } },
      routes: { targets: { prod: target.url } },
    });
    expect(statuses(await sendRaw(own.port, headOf(4096), { ...split, responses: 1 }))).toEqual([200]);
    const over = await sendRaw(own.port, headOf(4097), split);
    expect([statuses(over), over.ended]).toEqual([[431], 'closed']);
  });

  test.each([101, 1001, 10_000])('L02 a head of %i fields is 431, and nothing of it is forwarded', async (count) => {
    const before = target.requests.length;
    const fields = 'a:b\r\n'.repeat(count - 1);
    expect(statuses(await sendRaw(path.port, `GET /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n`))).toEqual([431]);
    expect(target.requests).toHaveLength(before);
  });

  test('L10 an announced length beyond limits.body is 413 before anything is sent, or asked for', async () => {
    const at = await startTarget();
    const own = await startPath({ process: { limits: { body: '1Mi' } }, routes: { targets: { prod: at.url } } });
    for (const expect100 of ['', 'Expect: 100-continue\r\n']) {
      const result = await sendRaw(own.port, post(`${expect100}Content-Length: 1073741824`));
      expect(statuses(result)).toEqual([413]);
    }
    expect(at.accepted()).toBe(0);
  });
});

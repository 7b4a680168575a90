/** The target's answer as it reaches the caller. */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type RawConnection, startRawTarget, startTarget } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { type RawResult, sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
/** Whose connection is closed after the answer: what comes beyond it is seen without waiting. */
const LAST_GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n';

/** A target that sends these bytes after each head. */
async function startAnswering(
  bytes: string,
  targetKeys: object = {},
): Promise<{ path: RunningPath; connections: RawConnection[] }> {
  const target = await startRawTarget(async (connection) => {
    for (;;) {
      await connection.readHead();
      await connection.send(bytes);
    }
  });
  const path = await startPath({ routes: { targets: { prod: { urls: [{ url: target.url }], ...targetKeys } } } });
  return { path, connections: target.connections };
}

async function relayed(bytes: string, request = GET): Promise<RawResult> {
  const { path } = await startAnswering(bytes);
  return sendRaw(path.port, request, { responses: 1, timeoutMs: 3000 });
}

describe('heads', () => {
  test('H08 H09 fields keep case, order, duplicates and bytes', async () => {
    const fields =
      'ETag: "x"\r\nset-COOKIE: a=1\r\nX_y: \xe9\xff\r\nSet-Cookie: b=2\r\nServer: legacy\r\nContent-Length: 0\r\n';
    const { bytes } = await relayed(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
    expect(bytes.toString('latin1')).toContain(`HTTP/1.1 200 OK\r\n${fields}`);
  });

  test('H01 H03 what belongs to the connection stays there, both ways, whatever Connection lists', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      const own = 'Connection: X-Hop\r\ncOnnection: keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n';
      const more = 'Proxy-Connection: x\r\nProxy-Authenticate: Basic\r\nTE: x\r\nUpgrade: h2\r\nX-End: 1\r\n';
      await connection.send(`HTTP/1.1 200 OK\r\n${own}${more}Content-Length: 0\r\n\r\n`);
    });
    const path = await startPath({ process: { forwarded: 'none' }, routes: { targets: { prod: target.url } } });
    const own = 'Connection: X-Fake-Token, X-Some\r\ncOnnection: keep-alive\r\nX-Fake-Token: 1\r\nX-SOME: 2\r\n';
    const more =
      'Proxy-Connection: x\r\nKeep-Alive: timeout=9\r\nTE: trailers, gzip\r\nTrailer: X-Sum\r\nProxy-Authorization: Basic x\r\nX-End: 1\r\n';
    const { responses } = await sendRaw(path.port, `GET / HTTP/1.1\r\nHost: a\r\n${own}${more}\r\n`, { responses: 1 });
    const names = (head: string): string[] =>
      head
        .split('\r\n')
        .slice(1)
        .flatMap((line) => /^([^:]+):/.exec(line)?.[1]?.toLowerCase() ?? []);
    expect(names(String(target.connections[0]?.received())).toSorted()).toEqual(['connection', 'host', 'via', 'x-end']);
    expect(String(target.connections[0]?.received())).toMatch(/^connection: keep-alive\r$/im);
    const fields = responses[0]?.rawHeaders.map(([name]) => name.toLowerCase()) ?? [];
    expect(fields.toSorted()).toEqual(['connection', 'content-length', 'date', 'keep-alive', 'x-end']);
    expect(responses[0]?.header('keep-alive')).not.toBe('timeout=9');
  });

  test.each([
    ['HTTP/1.1 418 I\xe2\x80\x99m a teapot', 'HTTP/1.1 418 '],
    ['HTTP/1.1 404 Introuvable, d\xe9sol\xe9', 'HTTP/1.1 404 '],
    ['HTTP/1.1 503 \xdcberlast', 'HTTP/1.1 503 '],
    ['HTTP/1.1 599 Odd', 'HTTP/1.1 599 Odd'],
    ['HTTP/1.1 200', 'HTTP/1.1 200 OK'],
    ['HTTP/1.1 200 ', 'HTTP/1.1 200 OK'],
    ['HTTP/1.0 200 Fine', 'HTTP/1.1 200 Fine'],
  ])('U09 U15 a status line of "%s" is relayed', async (line, expected) => {
    const { responses } = await relayed(`${line}\r\nContent-Length: 2\r\n\r\nok`);
    expect(responses[0]?.statusLine).toContain(expected);
    expect(String(responses[0]?.body)).toBe('ok');
  });

  test('the target’s Date is relayed, and where it sent none there is ours', async () => {
    const date = 'Date: Sat, 01 Jan 2000 00:00:00 GMT\r\n';
    expect((await relayed(`HTTP/1.1 204 No Content\r\n${date}\r\n`)).responses[0]?.header('date')).toContain('2000');
    const { responses } = await relayed('HTTP/1.1 204 No Content\r\n\r\n');
    expect(Math.abs(Date.now() - Date.parse(responses[0]?.header('date') ?? ''))).toBeLessThan(5000);
  });

  test('U15 1,000 Set-Cookie lines and an empty value are relayed, one value of 100 KB is a 502', async () => {
    const cookies = Array.from({ length: 1000 }, (_, i) => `Set-Cookie: c${i}=1\r\n`).join('');
    const { responses } = await relayed(`HTTP/1.1 200 OK\r\n${cookies}X-Empty:\r\nContent-Length: 0\r\n\r\n`);
    const lines = responses[0]?.rawHeaders.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value);
    expect(lines).toEqual(Array.from({ length: 1000 }, (_, i) => `c${i}=1`));
    expect(responses[0]?.header('x-empty')).toBe('');
    const large = await relayed(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`);
    expect(large.responses[0]?.status).toBe(502);
  });

  test('L12 a head larger than ours may be is a 502', async () => {
    const { responses } = await relayed(`HTTP/1.1 200 OK\r\nX-Big: ${'x'.repeat(70_000)}\r\n\r\n`);
    expect(responses[0]?.status).toBe(502);
  });

  test('L12 a head of 2,500 fields is relayed whole', async () => {
    const fields = Array.from({ length: 2500 }, (_, i) => `x-${i}: 1\r\n`).join('');
    const { responses } = await relayed(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`);
    expect(responses[0]?.rawHeaders.filter(([name]) => name.startsWith('x-'))).toHaveLength(2500);
  });

  test('a rule’s patch of the answer is applied', async () => {
    const target = await startTarget((_, response) => void response.setHeader('server', 'legacy').end());
    const path = await startPath({
      routes: {
        targets: { prod: target.url },
        rules: [
          { name: 'all', target: 'prod', response: { headers: { remove: ['server'], set: { 'x-rule': '${rule}' } } } },
        ],
      },
    });
    const [response] = (await sendRaw(path.port, GET, { responses: 1 })).responses;
    expect(response?.header('server')).toBeUndefined();
    expect(response?.header('x-rule')).toBe('all');
  });
});

describe('bodies', () => {
  test.each([
    ['with a length', 'Content-Length: 5\r\n\r\nhello'],
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n'],
  ])('a body %s is relayed and the connection kept', async (_, rest) => {
    const { path } = await startAnswering(`HTTP/1.1 200 OK\r\n${rest}`);
    const { responses } = await sendRaw(path.port, GET + GET, { responses: 2 });
    expect(responses.map(({ body }) => String(body))).toEqual(['hello', 'hello']);
  });

  test('B09 a body that ends with the connection is relayed whole and ends cleanly', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send('HTTP/1.1 200 OK\r\n\r\nhello');
      connection.close();
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, GET, { responses: 1 });
    expect(String(responses[0]?.body)).toBe('hello');
    expect(responses[0]?.header('transfer-encoding')).toBe('chunked');
    expect(path.captures).toEqual([]);
  });

  test('B01 HEAD answered as if it were GET: three heads, then a body, on one connection', async () => {
    const target = await startTarget((received, response) => {
      if (received.uri === '/length') response.setHeader('content-length', 50_000);
      response.end(received.method === 'HEAD' ? undefined : 'body');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const heads = ['/length', '/chunked', '/'].map((uri) => `HEAD ${uri} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
    const methods = ['HEAD', 'HEAD', 'HEAD', 'GET'];
    const { responses, rest } = await sendRaw(path.port, heads + GET, { responses: 4, methods });
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(responses[0]?.header('content-length')).toBe('50000');
    expect(String(responses[3]?.body)).toBe('body');
    expect(rest).toHaveLength(0);
  });

  test('B01 F28 a target that sends a body after HEAD does not spoil what comes next', async () => {
    const target = await startRawTarget(async (connection) => {
      for (;;) {
        const head = await connection.readHead();
        const long = head.startsWith('HEAD /long') ? 'x'.repeat(50_000) : 'hello';
        const counted = `Content-Length: ${long.length}\r\n\r\n${long}`;
        const chunked = 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
        await connection.send(`HTTP/1.1 200 OK\r\n${head.startsWith('HEAD /chunked') ? chunked : counted}`);
      }
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const heads = ['/', '/long', '/chunked'].map((uri) => `HEAD ${uri} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
    const methods = ['HEAD', 'HEAD', 'HEAD', 'GET'];
    const { responses, rest } = await sendRaw(path.port, heads + GET, { responses: 4, methods });
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(String(responses[3]?.body)).toBe('hello');
    expect(rest).toHaveLength(0);
  });

  test.each([
    ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'],
    ['204 chunked', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['205 with a length', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello'],
    ['205 chunked', 'HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['204 with a long body', `HTTP/1.1 204 No Content\r\nContent-Length: 20\r\n\r\n${'HTTP/1.1 200 '.repeat(9)}`],
    ['304 chunked', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['304 with a body', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 5\r\n\r\nhello'],
  ])('B02 F28 %s reaches the caller without a body, and the next answer is intact', async (_, bytes) => {
    const { path } = await startAnswering(bytes);
    const first = await sendRaw(path.port, LAST_GET);
    expect(first.responses).toHaveLength(1);
    expect(first.rest).toHaveLength(0);
    expect(first.responses[0]?.body).toHaveLength(0);
    if (bytes.includes(' 204 ')) expect(first.responses[0]?.header('content-length')).toBeUndefined();
    expect(first.responses[0]?.header('transfer-encoding')).toBeUndefined();
    const second = await sendRaw(path.port, GET, { responses: 1 });
    expect(second.responses[0]?.status).toBe(first.responses[0]?.status);
  });

  test.each([
    ['a counted', 'Content-Length: 8\r\n\r\n12345678EXTRA-EXTRA-1'],
    ['a chunked', 'Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n\r\nEXTRA-EXTRA-1'],
  ])('B12 bytes after the end of %s answer reach nobody, and their connection is not used again', async (_, rest) => {
    const { path, connections } = await startAnswering(`HTTP/1.1 200 OK\r\n${rest}`);
    for (let i = 0; i < 3; i++) {
      const { responses, rest } = await sendRaw(path.port, LAST_GET);
      expect(responses.map(({ body }) => String(body))).toEqual(['12345678']);
      expect(rest).toHaveLength(0);
    }
    expect(connections).toHaveLength(3);
  });

  test('a connection that its target calls the last is not used again, and closed, also where the target leaves it open', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';
    const { path, connections } = await startAnswering(answer);
    for (let i = 0; i < 3; i++) {
      expect(String((await sendRaw(path.port, GET, { responses: 1 })).responses[0]?.body)).toBe('ok');
      await waitFor(() => connections[i]?.socket.destroyed, { what: 'the connection to be closed' });
    }
    expect(connections).toHaveLength(3);
  });

  test('F27 nor is one that comes later, while the connection is idle', async () => {
    const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${body}`;
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(answer('good'));
      await pause(20);
      await connection.send(answer('evil'));
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    for (let i = 0; i < 3; i++) {
      const { responses } = await sendRaw(path.port, GET, { responses: 1 });
      expect(String(responses[0]?.body)).toBe('good');
      await waitFor(() => target.connections[i]?.socket.destroyed, { what: 'the connection to be closed' });
    }
    expect(target.connections).toHaveLength(3);
  });

  test('a chunked answer in HTTP/1.0 is relayed, and its connection not used again', async () => {
    const { path, connections } = await startAnswering(
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    );
    for (let i = 0; i < 2; i++) {
      const { responses } = await sendRaw(path.port, GET, { responses: 1 });
      expect(String(responses[0]?.body)).toBe('hello');
    }
    expect(connections).toHaveLength(2);
  });

  test('F27 a whole extra answer on an idle connection is never delivered', async () => {
    const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${body}`;
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(answer('good') + answer('evil'));
      for (;;) {
        await connection.readHead();
        await connection.send(answer('good'));
      }
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    for (let i = 0; i < 4; i++) {
      const { responses } = await sendRaw(path.port, GET, { responses: 1 });
      expect(String(responses[0]?.body)).toBe('good');
    }
  });

  test('U08 an answer that comes byte by byte is relayed, longer than timeouts.idle in all', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.trickle('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 1, 0);
      await connection.trickle('0123456789', 1, 100);
    });
    const targets = { prod: { urls: [{ url: target.url }], timeouts: { idle: '400ms' } } };
    const path = await startPath({ routes: { targets } });
    const started = performance.now();
    const { responses } = await sendRaw(path.port, GET, { responses: 1 });
    expect(String(responses[0]?.body)).toBe('0123456789');
    expect(performance.now() - started).toBeGreaterThan(800);
  });

  test('B16 bytes come through as they are, however slowly', async () => {
    const body = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.trickle(
        `HTTP/1.1 206 Partial\r\nContent-Encoding: gzip\r\nContent-Length: 256\r\n\r\n${body}`,
        16,
        2,
      );
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, GET, { responses: 1 });
    expect(responses[0]?.body.toString('latin1')).toBe(body);
    expect(responses[0]?.header('content-encoding')).toBe('gzip');
  });

  test('B17 each event of a stream is relayed when it comes, the head too', async () => {
    let received = '';
    // The next is sent when the one before has been read.
    const target = await startTarget(async (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      await waitFor(() => received.endsWith('\r\n\r\n'), { what: 'the head' });
      for (let i = 0; i < 12; i++) {
        response.write(`data: ${i}\n\n`);
        await waitFor(() => received.includes(`data: ${i}\n`), { what: `event ${i}`, everyMs: 1 });
      }
      response.end();
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect(path.port, '127.0.0.1');
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.write(GET);
    await waitFor(() => received.endsWith('0\r\n\r\n'), { what: 'all events' });
    socket.destroy();
  });

  test('H09 the head of an answer is relayed before any of its body, with its bytes', async () => {
    const { path } = await startAnswering('HTTP/1.1 200 Fine\r\nX: \x80\xff\r\nContent-Length: 5\r\n\r\n');
    const socket = connect(path.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.write(GET);
    await waitFor(() => received.endsWith('\r\n\r\n'), { what: 'the head' });
    expect(received).toMatch(/^HTTP\/1\.1 200 Fine\r\nX: \x80\xff\r\n/);
    socket.destroy();
  });
});

describe('B08 trailers', () => {
  const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n';
  const TRAILERS = 'X-Sum: 1\r\nHost: evil\r\nContent-Length: 9\r\nSet-Cookie: a=1\r\nX-Last: 2\r\n';

  test('are relayed, but for those that frame, route or authenticate', async () => {
    const { responses } = await relayed(
      `HTTP/1.1 200 OK\r\n${CHUNKED}X-Sum: 1\r\nHost: evil\r\nSet-Cookie: a=1\r\nX-Last: 2\r\n\r\n`,
    );
    expect(responses[0]?.trailers).toEqual([
      ['X-Sum', '1'],
      ['X-Last', '2'],
    ]);
    expect(responses[0]?.header('x-sum')).toBeUndefined();
  });

  test('are never relayed with a framing field in them', async () => {
    const { bytes } = await relayed(`HTTP/1.1 200 OK\r\n${CHUNKED}${TRAILERS}\r\n`);
    expect(String(bytes).match(/content-length/gi) ?? []).toHaveLength(String(bytes).includes('problem+json') ? 1 : 0);
  });
});

describe('1xx', () => {
  test('fields of a 103 that are called like what every object has are relayed as they are', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nconstructor: x\r\n__proto__: y\r\nvalueOf: z\r\n\r\n';
    const { bytes } = await relayed(`${hints}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
    expect(bytes.toString()).toContain(hints);
  });

  test('B02 an informational answer tells no length, and no body comes after it', async () => {
    const { bytes, responses } = await relayed(
      'HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    );
    expect(responses.map(({ status }) => status)).toEqual([103, 204]);
    expect(String(bytes)).not.toMatch(/content-length|transfer-encoding/i);
  });

  test('B06 103 and 102 are relayed in their order, before the answer', async () => {
    const hints = [1, 2, 3].map(
      (n) => `HTTP/1.1 103 Early Hints\r\nLink: </${n}.css>; rel=preload\r\nLink: </b>\r\n\r\n`,
    );
    const { responses } = await relayed(
      `HTTP/1.1 102 Processing\r\n\r\n${hints.join('')}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(responses.map(({ status }) => status)).toEqual([102, 103, 103, 103, 200]);
    const links = responses[2]?.rawHeaders.filter(([name]) => name.toLowerCase() === 'link').map(([, value]) => value);
    expect(links?.join(',')).toBe('</2.css>; rel=preload,</b>');
  });

  test.each([
    ['in one piece', 1_000_000],
    ['byte by byte', 1],
  ])(
    'B05 100 Continue that nobody asked for comes before the answer %s: the caller gets the 200, the request is sent once',
    async (_, size) => {
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      const target = await startRawTarget(async (connection) => {
        for (;;) {
          await connection.readHead();
          await connection.trickle(`HTTP/1.1 100 Continue\r\n\r\n${answer}`, size, 0);
        }
      });
      const path = await startPath({ routes: { targets: { prod: target.url } } });
      const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';
      for (const request of [GET, post, GET]) {
        const { responses } = await sendRaw(path.port, request, { responses: 1 });
        expect(responses.map(({ status, body }) => [status, String(body)])).toEqual([[200, 'ok']]);
      }
      expect(target.connections).toHaveLength(1);
      expect(String(target.connections[0]?.received()).match(/ HTTP\/1\.1\r\n/g)).toHaveLength(3);
      expect(path.captures).toEqual([]);
    },
  );

  test('B05 with a 103 between, and after a caller’s own Expect, all else is relayed in its order', async () => {
    const { path } = await startAnswering(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n`,
    );
    const request = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok';
    const { responses } = await sendRaw(path.port, request, { responses: 1 });
    expect(responses.map(({ status }) => status)).toEqual([100, 103, 204]);
  });

  test('B05 F27 a 100 Continue on an idle connection closes it, and the next request goes out on another', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      if (connection.index === 0) await connection.send('HTTP/1.1 100 Continue\r\n\r\n');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    await sendRaw(path.port, GET, { responses: 1 });
    await waitFor(() => target.connections[0]?.socket.destroyed, { what: 'the connection to be closed' });
    expect((await sendRaw(path.port, GET, { responses: 1 })).responses[0]?.status).toBe(200);
    expect(target.connections).toHaveLength(2);
  });

  test.each(['100 Continue', '102 Processing', '103 Early Hints'])(
    'B07 %s without end is cut off, and that is a 502',
    async (line) => {
      const target = await startRawTarget(async (connection) => {
        await connection.readHead();
        await connection.send(`HTTP/1.1 ${line}\r\n\r\n`.repeat(50_000));
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
      const path = await startPath({ routes: { targets: { prod: target.url } } });
      const { responses } = await sendRaw(path.port, GET, { responses: 1 });
      expect(responses.at(-1)?.status).toBe(502);
      expect(responses.length).toBeLessThanOrEqual(101);
      expect(path.captures[0]?.reason).toBe('protocol');
      expect(target.connections).toHaveLength(1);
    },
  );

  test('B20 a 101 that nobody asked for is a 502, its connection is closed, and the next request gets its answer', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      if (connection.index > 0) return connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await connection.send(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
      );
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    expect((await sendRaw(path.port, GET, { responses: 1 })).responses[0]?.status).toBe(502);
    await waitFor(() => target.connections[0]?.socket.destroyed, { what: 'the connection to be closed' });
    expect(path.captures.map(({ reason }) => reason)).toEqual(['protocol']);
    const [next] = (await sendRaw(path.port, GET, { responses: 1 })).responses;
    expect([next?.status, String(next?.body)]).toEqual([200, 'ok']);
  });
});

describe('B18 an answer before the request is whole', () => {
  test.each([413, 200, 401])(
    '%i is relayed at once, the upload ends, nothing hangs, the target’s connection is not used again',
    async (status) => {
      const target = await startTarget(
        (_, response) => void response.writeHead(status, { 'content-length': 5 }).end('early'),
        { early: true },
      );
      const path = await startPath({ routes: { targets: { prod: target.url } } });
      const socket = connect(path.port, '127.0.0.1');
      let received = '';
      socket.on('data', (chunk) => {
        received += String(chunk);
      });
      socket.write(`${POST}first`);
      // Its end is kept back for a second, in which the rest may come.
      await waitFor(() => received.endsWith('early'), { what: 'the early answer', timeoutMs: 900 });
      expect(received).toContain(`HTTP/1.1 ${status}`);
      await waitFor(() => socket.readyState === 'closed', { what: 'the connection to be closed' });
      await path.rest();
      await sendRaw(path.port, GET, { responses: 1 });
      expect(target.accepted()).toBe(2);
      expect(path.captures).toEqual([]);
    },
  );

  test('a caller that sends the rest in the end keeps its connection', async () => {
    const target = await startTarget((_, response) => void response.end('early'), { early: true });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, `${POST}${'x'.repeat(1_000_000)}${GET}`, { responses: 2 });
    expect(responses.map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('B19 a caller that closes its side after the request', () => {
  test('still gets the answer', async () => {
    const target = await startTarget(async (_, response) => {
      await pause(100);
      response.end('late');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses, ended } = await sendRaw(path.port, GET, { end: true });
    expect(String(responses[0]?.body)).toBe('late');
    expect(ended).toBe('closed');
    expect(path.captures).toEqual([]);
  });

  test('gets an answer that takes long, once it has begun', async () => {
    const target = await startTarget(async (_, response) => {
      for (let i = 0; i < 6; i++) {
        response.write(String(i));
        await pause(250);
      }
      response.end();
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, GET, { end: true });
    expect(String(responses[0]?.body)).toBe('012345');
  });

  test('gets an answer that begins late: it is told from one that is gone', async () => {
    const target = await startTarget(async (_, response) => {
      await pause(2000);
      response.end('very late');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const { responses } = await sendRaw(path.port, GET, { end: true });
    expect(String(responses[0]?.body)).toBe('very late');
    expect(path.captures).toEqual([]);
  });

  test('counts as gone once it has closed the other side, too', async () => {
    const target = await startTarget(() => undefined);
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect({ port: path.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(GET);
    await waitFor(() => target.requests.length === 1, { what: 'the request at the target' });
    socket.destroy();
    await waitFor(() => path.captures.length === 1, { what: 'the capture', timeoutMs: 1000 });
    expect(path.captures[0]?.reason).toBe('clientAbort');
    await waitFor(() => target.last().aborted, { what: 'the target to be cut', timeoutMs: 1000 });
  });
});

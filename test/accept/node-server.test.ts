import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { type ListenerEvents, type ListenerOptions, startListener } from '../../src/accept/node-server.ts';
import { makeCertificates, readCertificate } from '../helpers/certificates.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { type RawConnection, startRawTarget, startTarget, type Target } from '../helpers/node-target.ts';
import { type PathOptions, type RunningPath, startPath } from '../helpers/path.ts';
import { type RawResult, sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const GET = 'GET /first HTTP/1.1\r\nHost: a\r\n\r\n';

async function start(process: PathOptions['process'] = {}): Promise<{ path: RunningPath; target: Target }> {
  const target = await startTarget();
  return { target, path: await startPath({ process, routes: { targets: { prod: target.url } } }) };
}

const statuses = ({ responses }: RawResult): number[] => responses.map(({ status }) => status);
const uris = (target: Target): string[] => target.requests.map(({ uri }) => uri);
const bodies = ({ responses }: RawResult): unknown[] => responses.map(({ body }) => JSON.parse(String(body)).uri);

describe('what is no request', () => {
  test.each([
    ['F16 HTTP/0.9', 'GET /\r\n\r\n', 505],
    ['F16 no version', 'GET /HTTP/1.0\r\nHost: a\r\n\r\n', 505],
    ['F16 no target', 'GET HTTP/1.0\r\nHost: a\r\n\r\n', 400],
    ['F17 HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['F17 the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['F08 a space before the colon', 'GET / HTTP/1.1\r\nHost: a\r\nX-One : 1\r\n\r\n', 400],
    ['F09 a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n 2\r\n\r\n', 400],
    ['F09 a space before the first header', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 400],
    ['F10 NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\0\r\n\r\n', 400],
    ['F10 a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r2\r\n\r\n', 400],
    ['F10 bare LF as the end of a line', 'GET / HTTP/1.1\nHost: a\n\n', 400],
    ['F30 an X after the head', 'GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n', 400],
    [
      'F01 two framings',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['F05 two codings', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
    ['F15 HTTP/1.0 chunked', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['F18 no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['F18 two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
    [
      'F23 Connection: Content-Length',
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 1\r\n\r\nx',
      400,
    ],
    [
      'F24 another expectation',
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: x 100-continue\r\nContent-Length: 1\r\n\r\n',
      417,
    ],
    ['F25 S04 CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501],
    ['F25 GET *', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    [
      'F11 a chunk size with a sign',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n',
      400,
    ],
    [
      'F12 a chunk without its end',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n',
      400,
    ],
    ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ])('%s is refused, closes the connection and never reaches a target whole', async (_, bytes, status) => {
    const { path, target } = await start();
    const result = await sendRaw(path.port, bytes);
    expect(statuses(result)).toEqual([status]);
    expect(result.responses[0]?.header('connection')).toBe('close');
    expect(result.responses[0]?.header('content-type')).toBe('application/problem+json');
    expect(target.requests.filter(({ complete }) => complete)).toEqual([]);
    await waitFor(() => path.metric('outrider_rejected_total') === 1, { what: 'the refusal to be counted' });
    expect(path.lines.some(({ fields }) => fields.status === status)).toBe(true);
  });

  test('F31 the verdict is the same when each byte comes alone', async () => {
    const { path, target } = await start();
    const bytes = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(statuses(await sendRaw(path.port, bytes, { splitEvery: 1 }))).toEqual([400]);
    expect(target.requests).toEqual([]);
  });

  test('what follows a refused request on its connection is not served', async () => {
    const { path, target } = await start();
    const bad = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n';
    expect(statuses(await sendRaw(path.port, `${bad}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`))).toEqual([400]);
    expect(statuses(await sendRaw(path.port, `${GET}${bad}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`))).toEqual([
      200, 400,
    ]);
    expect(uris(target)).toEqual(['/first']);
  });

  test('a refusal reaches a caller that is still sending', async () => {
    const { path } = await start();
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 4000000\r\n\r\n';
    const result = await sendRaw(path.port, head + 'x'.repeat(4_000_000), { responses: 1 });
    expect(statuses(result)).toEqual([400]);
  });
});

describe('pipelining', () => {
  test('F19 requests in one segment are each forwarded once and answered in order', async () => {
    const target = await startTarget(async (received, response) => {
      // The first takes longest: answers must still come in the order of the requests.
      if (received.uri === '/0') await new Promise((resolve) => setTimeout(resolve, 60));
      response.end(JSON.stringify({ uri: received.uri, body: String(received.body) }));
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const bytes = [
      'POST /0 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\r\n',
      'POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    ].join('');
    const result = await sendRaw(path.port, bytes, { responses: 3 });
    expect(bodies(result)).toEqual(['/0', '/1', '/2']);
    expect(uris(target).toSorted()).toEqual(['/0', '/1', '/2']);
  });

  test('F20 garbage after a request: the request is answered first, then the garbage', async () => {
    const { path } = await start();
    const result = await sendRaw(path.port, `${GET}garbage\r\n\r\n`);
    expect(statuses(result)).toEqual([200, 400]);
    expect(result.ended).toBe('closed');
  });

  test('F20 garbage that comes while the request is at its target waits for the answer too', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(async (_, response) => {
      await go;
      response.end('late');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const answered = sendRaw(path.port, `${GET}\x01\x02\x03\x04`);
    await waitFor(() => path.metric('outrider_rejected_total') === 1, { what: 'the garbage to be seen' });
    resolve();
    expect(statuses(await answered)).toEqual([200, 400]);
  });

  test('F21 what follows Connection: close is not served', async () => {
    const { path, target } = await start();
    const bytes = 'GET /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n';
    const result = await sendRaw(path.port, bytes);
    expect(statuses(result)).toEqual([200]);
    expect(uris(target)).toEqual(['/first']);
  });

  test('U11 a caller that leaves takes all its pipelined requests with it', async () => {
    const target = await startTarget(() => undefined);
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect(path.port, '127.0.0.1');
    socket.write(GET + GET + GET);
    await waitFor(() => target.requests.length === 3, { what: 'three requests at the target' });
    socket.destroy();
    await path.rest();
    await waitFor(() => target.requests.every(({ aborted }) => aborted), {
      what: 'all three to be cut',
      timeoutMs: 1000,
    });
    expect(path.captures.map(({ reason }) => reason)).toEqual(['clientAbort', 'clientAbort', 'clientAbort']);
  });
});

describe('limits', () => {
  test('L03 a request line that is too long is 414, also when it is far too long', async () => {
    const { path } = await start();
    for (const length of [17_000, 64 * 1024]) {
      const result = await sendRaw(path.port, `GET /${'a'.repeat(length)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(statuses(result)).toEqual([414]);
    }
    const result = await sendRaw(path.port, `GET /${'a'.repeat(8000)} HTTP/1.1\r\nHost: a\r\n\r\n`, { responses: 1 });
    expect(statuses(result)).toEqual([200]);
  });

  test('L01 a head larger than limits.headerBytes is 431', async () => {
    const { path } = await start({ limits: { headerBytes: '4Ki' } });
    const head = (bytes: number): string => `GET / HTTP/1.1\r\nHost: a\r\nX-Big: ${'x'.repeat(bytes)}\r\n\r\n`;
    expect(statuses(await sendRaw(path.port, head(3900), { responses: 1 }))).toEqual([200]);
    expect(statuses(await sendRaw(path.port, head(4100)))).toEqual([431]);
    expect(statuses(await sendRaw(path.port, head(60_000)))).toEqual([431]);
  });

  test('L02 a head with too many fields is 431 and nothing of it is forwarded', async () => {
    const { path, target } = await start();
    const fields = Array.from({ length: 1500 }, () => 'a: b\r\n').join('');
    expect(statuses(await sendRaw(path.port, `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`))).toEqual([431]);
    expect(target.requests).toEqual([]);
  });

  test('F13 too many bytes of chunk extensions are 413', async () => {
    const { path } = await start();
    const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const result = await sendRaw(path.port, `${chunked}1;${'x'.repeat(17_000)}\r\na\r\n0\r\n\r\n`);
    expect(statuses(result)).toEqual([413]);
  });

  test('L10 a body beyond limits.body is 413, announced or found out', async () => {
    const { path, target } = await start({ limits: { body: '100Ki' } });
    const head = 'POST / HTTP/1.1\r\nHost: a\r\n';
    const big = 'x'.repeat(1_000_000);
    const announced = await sendRaw(path.port, `${head}Content-Length: 1000000\r\n\r\n${big}`, { responses: 1 });
    expect(statuses(announced)).toEqual([413]);
    const chunk = `${(1_000_000).toString(16)}\r\n${big}\r\n`;
    const found = await sendRaw(path.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`, {
      responses: 1,
    });
    expect(statuses(found)).toEqual([413]);
    expect(target.requests.filter(({ complete }) => complete)).toEqual([]);
    expect(path.captures).toEqual([]);
  });

  test('L08 requests beyond limits.inFlight are 503 with Retry-After, and those before are not touched', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(async (_, response) => {
      await go;
      response.end('done');
    });
    const path = await startPath({ process: { limits: { inFlight: 2 } }, routes: { targets: { prod: target.url } } });
    const running = [sendRaw(path.port, GET, { responses: 1 }), sendRaw(path.port, GET, { responses: 1 })];
    await waitFor(() => path.load().overload === 2, { what: 'two requests in flight' });
    const [refused] = (await sendRaw(path.port, GET, { responses: 1 })).responses;
    expect(refused?.status).toBe(503);
    expect(refused?.header('retry-after')).toBe('1');
    resolve();
    for (const each of await Promise.all(running)) expect(statuses(each)).toEqual([200]);
    expect(path.metric('outrider_rejected_total', { reason: 'inFlight' })).toBe(1);
  });
});

describe('a caller that sends its whole request before it reads anything', () => {
  /** As much older software does: an error while writing hides the answer. */
  async function sendThenRead(port: number, head: string, pieces: number, piece: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('error', () => socket.destroy());
    socket.pause();
    socket.write(head);
    for (let i = 0; i < pieces && !socket.destroyed; i++) {
      socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.resume();
    await waitFor(() => socket.closed, { what: 'the end of the connection' });
    return received;
  }

  const HEAD = 'POST /x HTTP/1.1\r\nHost: a\r\n';
  const ANNOUNCED = `${HEAD}Content-Length: 1000000\r\n\r\n`;
  const CHUNK = `c350\r\n${'x'.repeat(50_000)}\r\n`;

  test.each([
    ['no rule is for it', ANNOUNCED, 404, { default: 'reject' }, {}],
    ['its announced length is too large', ANNOUNCED, 413, {}, { limits: { body: '100Ki' } }],
    ['HTTP forbids it', ANNOUNCED.replace('Host: a', 'Host: a\r\nHost: b'), 400, {}, {}],
    [
      'it turns out to be too large',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n`,
      413,
      {},
      { limits: { body: '100Ki' } },
    ],
  ])('gets to read its answer when %s', async (_, head, status, routes, process) => {
    const target = await startTarget();
    const path = await startPath({ process, routes: { targets: { prod: target.url }, ...routes } });
    const piece = head === ANNOUNCED || head.includes('Length') ? 'x'.repeat(50_000) : CHUNK;
    expect(await sendThenRead(path.port, head, 15, piece)).toContain(`HTTP/1.1 ${status}`);
    await path.rest();
  });
});

describe('L08 connections', () => {
  test('of all listeners count together', async () => {
    const listeners = ['one', 'two'].map((name) => ({ name, address: '127.0.0.1:0' }));
    const { path } = await start({ listeners, limits: { connections: 2 } });
    const [one = 0, two = 0] = Object.values(path.ports);
    const kept = [connect(one, '127.0.0.1'), connect(two, '127.0.0.1')];
    await waitFor(() => kept.every(({ readyState }) => readyState === 'open'), { what: 'two connections' });
    expect((await sendRaw(one, GET)).responses).toEqual([]);
    expect((await sendRaw(two, GET)).responses).toEqual([]);
    kept[0]?.destroy();
    await waitFor(async () => (await sendRaw(two, GET, { responses: 1 })).responses.length === 1, { what: 'room' });
    kept[1]?.destroy();
  });

  test('beyond limits.connections are closed at once, and those before are not touched', async () => {
    const { path } = await start({ limits: { connections: 2 } });
    const [one, two] = [connect(path.port, '127.0.0.1'), connect(path.port, '127.0.0.1')];
    await waitFor(() => one.readyState === 'open' && two.readyState === 'open', { what: 'two connections' });
    const third = await sendRaw(path.port, GET);
    expect(third.responses).toEqual([]);
    await waitFor(() => path.metric('outrider_rejected_total', { reason: 'connections' }) === 1, { what: 'the count' });
    let received = '';
    one.on('data', (chunk) => {
      received += String(chunk);
    });
    one.write(GET);
    await waitFor(() => received.includes('200 OK'), { what: 'the answer' });
    one.destroy();
    two.destroy();
  });
});

describe('a TLS listener', () => {
  const certificates = makeCertificates({ shared: true });
  const other = makeCertificates({ shared: true, commonName: 'Another CA' });

  async function startTls(clientCa = ''): Promise<{ path: RunningPath; target: Target }> {
    const tls = { ...certificates.server, clientCa };
    return start({ listeners: [{ name: 'ambassador', address: '127.0.0.1:0', tls }] });
  }

  function ask(port: number, client: object = {}): Promise<string> {
    return new Promise((resolve) => {
      const socket = tlsConnect({ port, host: '127.0.0.1', ca: readFileSync(certificates.ca), ...client });
      let received = '';
      socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
      socket.on('data', (chunk) => {
        received += String(chunk);
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve(received));
    });
  }

  test('serves, and says https to the target', async () => {
    const { path, target } = await startTls();
    expect(await ask(path.port)).toContain('200 OK');
    expect(target.last().headers['x-forwarded-proto']).toBe('https');
  });

  test('with a client CA takes only callers with its certificates', async () => {
    const { path, target } = await startTls(certificates.ca);
    expect(await ask(path.port, readCertificate(certificates.client))).toContain('200 OK');
    expect(await ask(path.port)).toBe('');
    expect(await ask(path.port, readCertificate(other.client))).toBe('');
    expect(target.requests).toHaveLength(1);
  });

  test('survives callers that speak plain HTTP, garbage, or leave in the handshake', async () => {
    const { path } = await startTls();
    await sendRaw(path.port, GET);
    await sendRaw(path.port, Buffer.alloc(2000, 0xff));
    const socket = connect(path.port, '127.0.0.1');
    await waitFor(() => socket.readyState === 'open', { what: 'the connection' });
    socket.resetAndDestroy();
    expect(await ask(path.port)).toContain('200 OK');
  });
});

describe('time', () => {
  test('L04 a head that comes too slowly is 408', async () => {
    const { path } = await start({ limits: { headTimeout: '200ms' } });
    const result = await sendRaw(path.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    expect(statuses(result)).toEqual([408]);
  });

  test('L05 a body that stops coming is 408, the target is cut and not to blame, nothing is captured', async () => {
    const target = await startTarget();
    const prod = { urls: [{ url: target.url }], circuitBreaker: { failures: 1, openFor: '10s' } };
    const path = await startPath({ process: { limits: { bodyIdle: '200ms' } }, routes: { targets: { prod } } });
    const result = await sendRaw(path.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nonly this');
    expect(statuses(result)).toEqual([408]);
    expect(result.responses[0]?.header('connection')).toBe('close');
    await waitFor(() => target.requests.every(({ aborted }) => aborted), { what: 'the upload to be cut' });
    expect(path.captures).toEqual([]);
    expect(path.upstreams('prod')[0]?.healthy).toBe(true);
  });

  test('L06 a caller that does not read its answer is cut after limits.writeIdle', async () => {
    const target = await startTarget((_, response) => void response.end(Buffer.alloc(20_000_000)));
    const path = await startPath({
      process: { limits: { writeIdle: '200ms' } },
      routes: { targets: { prod: target.url } },
    });
    const socket = connect(path.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.pause();
    socket.write(GET);
    await waitFor(() => target.requests.at(0)?.aborted === true, { what: 'the connection to be cut' });
    await path.rest();
    socket.destroy();
  });

  test('L06 one that does not read an answer of ours is cut too', async () => {
    const answer = { status: 503, headers: {}, body: 'x'.repeat(7_000_000) };
    const rules = [{ name: 'all', target: 'prod', capture: { when: ['all'], answer } }];
    const path = await startPath({
      process: { limits: { writeIdle: '200ms' } },
      routes: { targets: { prod: 'http://127.0.0.1:1' }, rules },
    });
    const socket = connect(path.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.pause();
    socket.write(GET);
    await waitFor(() => path.captures.length === 1, { what: 'the failure' });
    await path.rest();
    socket.destroy();
  });

  test('L07 an idle connection is closed after the listener’s keepAlive, and announced so', async () => {
    const listeners = [{ name: 'ambassador', address: '127.0.0.1:0', keepAlive: '1s' }];
    const { path } = await start({ listeners });
    const result = await sendRaw(path.port, GET);
    expect(result.ended).toBe('closed');
    expect(result.responses[0]?.header('keep-alive')).toBe('timeout=1');
  });
});

describe('HTTP/1.0', () => {
  const stream = async (connection: RawConnection): Promise<void> => {
    for (;;) {
      await connection.readHead();
      await connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
      await connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n');
    }
  };

  test('H15 gets neither 1xx nor chunked; the target is asked in HTTP/1.1', async () => {
    const target = await startRawTarget(stream);
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    for (const connection of ['', 'Connection: keep-alive\r\n']) {
      const result = await sendRaw(path.port, `GET / HTTP/1.0\r\nHost: a\r\n${connection}\r\n`);
      expect(statuses(result)).toEqual([200]);
      expect(String(result.responses[0]?.body)).toBe('hello');
      expect(result.responses[0]?.header('transfer-encoding')).toBeUndefined();
      expect(result.responses[0]?.header('connection')).toBe('close');
    }
    expect(String(target.connections[0]?.received())).toMatch(/^GET \/ HTTP\/1.1\r\n/);
  });

  test('keeps the connection when it asks for that and the length is known', async () => {
    const target = await startTarget((_, response) => void response.setHeader('content-length', 2).end('ok'));
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const kept = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
    const result = await sendRaw(path.port, `${kept}GET / HTTP/1.0\r\n\r\n`);
    expect(statuses(result)).toEqual([200, 200]);
    expect(result.responses.map((response) => response.header('connection'))).toEqual(['keep-alive', 'close']);
    expect(result.ended).toBe('closed');
  });
});

describe('forms of the request target', () => {
  test('H11 an absolute target (curl -x) is for its own authority, whatever Host says', async () => {
    const target = await startTarget();
    const other = await startTarget();
    const path = await startPath({
      routes: {
        targets: { prod: target.url, other: other.url },
        rules: [{ name: 'b', match: { hosts: ['b.test'] }, target: 'other' }],
      },
    });
    await sendRaw(path.port, 'GET http://b.test:81/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n', { responses: 1 });
    expect(uris(other)).toEqual(['/x?y']);
    expect(other.last().headers['x-forwarded-host']).toBe('b.test:81');
    expect(other.last().headers.host).toBe(`127.0.0.1:${other.port}`);
    expect(target.requests).toEqual([]);
  });

  test('H11 with hostHeader: preserve the target gets the authority of an absolute target, not Host', async () => {
    const target = await startTarget();
    const prod = { urls: [{ url: target.url }], hostHeader: 'preserve' };
    const path = await startPath({ routes: { targets: { prod } } });
    await sendRaw(path.port, 'GET http://b.test:81/x HTTP/1.1\r\nHost: a.test\r\n\r\n', { responses: 1 });
    expect([target.last().uri, target.last().headers.host]).toEqual(['/x', 'b.test:81']);
    expect(target.last().rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')).toHaveLength(1);
  });

  test('F25 OPTIONS * is answered here', async () => {
    const { path, target } = await start();
    const result = await sendRaw(path.port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', { responses: 1 });
    expect(statuses(result)).toEqual([204]);
    expect(target.requests).toEqual([]);
  });
});

describe('closing', () => {
  test('while a listener drains, answers carry Connection: close and requests are still served', async () => {
    const { path } = await start();
    for (const listener of path.listeners) listener.drain();
    const result = await sendRaw(path.port, GET);
    expect(statuses(result)).toEqual([200]);
    expect(result.responses[0]?.header('connection')).toBe('close');
    expect(result.ended).toBe('closed');
  });

  test('H05 Connection: close of a caller closes its connection and leaves the target’s open', async () => {
    const { path, target } = await start();
    const close = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    for (let i = 0; i < 3; i++) expect((await sendRaw(path.port, close)).ended).toBe('closed');
    expect(target.accepted()).toBe(1);
    expect(target.last().headers.connection).toBe('keep-alive');
  });

  test('close cuts idle connections, lets the others finish, and resolves when all are closed', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(async (received, response) => {
      if (received.uri === '/slow') await go;
      response.end('done');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const idle = sendRaw(path.port, GET);
    await waitFor(() => target.requests.length === 1, { what: 'the first request' });
    await path.rest();
    const running = sendRaw(path.port, GET.replace('/first', '/slow'));
    await waitFor(() => target.requests.length === 2, { what: 'the slow request' });
    const closed = Promise.all(path.listeners.map((listener) => listener.close()));
    expect((await idle).ended).toBe('closed');
    resolve();
    expect(statuses(await running)).toEqual([200]);
    await closed;
    await expect(sendRaw(path.port, GET)).rejects.toThrow('ECONNREFUSED');
  });
});

test('requests are told apart by the listener they came in on', async () => {
  const one = await startTarget();
  const two = await startTarget();
  const listeners = [
    { name: 'ambassador', address: '127.0.0.1:0' },
    { name: 'second', address: '127.0.0.1:0', target: 'two' },
    { name: 'third', address: '127.0.0.1:0' },
  ];
  const rules = [
    { name: 'third', match: { listeners: ['third'] }, target: 'two', request: { headers: { set: { from: 'third' } } } },
  ];
  const path = await startPath({ process: { listeners }, routes: { targets: { one: one.url, two: two.url }, rules } });
  for (const port of Object.values(path.ports)) await sendRaw(port, GET, { responses: 1 });
  expect(one.requests).toHaveLength(1);
  expect(two.requests.map(({ headers }) => headers.from)).toEqual([undefined, 'third']);
});

test('localhost is both families where there are both', async () => {
  const { path } = await start({ listeners: [{ name: 'ambassador', address: 'localhost:0' }] });
  expect(statuses(await sendRaw(path.port, GET, { responses: 1 }))).toEqual([200]);
  expect(statuses(await sendRaw(path.port, GET, { responses: 1, host: '::1' }))).toEqual([200]);
  expect(path.listeners[0]?.addresses).toEqual([`127.0.0.1:${path.port}`, `[::1]:${path.port}`]);
});

test('update takes over limits and certificates for what comes after it', async () => {
  const before = makeCertificates({ commonName: 'Before' });
  const after = makeCertificates({ commonName: 'After' });
  const pem = (tls: { cert: string; key: string }) => ({ ...readCertificate(tls), clientCa: '' });
  const events: ListenerEvents = {
    request: (caller) => caller.answer({ status: 200, headers: [], body: Buffer.alloc(0) }),
    upgrade: () => undefined,
    refused: () => undefined,
    tolerated: () => undefined,
  };
  const options = (tls: { cert: string; key: string }, requestLine: number): ListenerOptions => ({
    name: 'tls',
    hosts: ['127.0.0.1'],
    port: 0,
    tls: { ...pem(tls), cert: String(pem(tls).cert), key: String(pem(tls).key) },
    keepAliveMs: 1000,
    headTimeoutMs: 1000,
    bodyIdleMs: 1000,
    writeIdleMs: 1000,
    headerBytes: 4096,
    connections: 10,
    tolerate: [],
    guard: { requestLine, headerCount: 10, body: 0 },
    gate: null,
  });
  const listener = await startListener(options(before.server, 1000), events);
  cleanUp(() => listener.destroy());
  const port = Number(listener.addresses[0]?.split(':').at(-1));
  const ask = (ca: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = tlsConnect({ port, host: '127.0.0.1', ca: readFileSync(ca) });
      let received = '';
      socket.on('secureConnect', () =>
        socket.write(`GET /${'a'.repeat(100)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
      );
      socket.on('data', (chunk) => {
        received += String(chunk);
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve(received));
    });
  expect(await ask(before.ca)).toContain('200 OK');
  listener.update(options(after.server, 50));
  expect(await ask(before.ca)).toBe('');
  expect(await ask(after.ca)).toContain('414');
});

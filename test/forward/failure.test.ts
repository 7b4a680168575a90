/** Targets that fail, and what the caller and the record get to know. */
import { connect as netConnect } from 'node:net';
import type { Capture } from '../../src/exchange.ts';
import { type LookupAll, Resolver } from '../../src/forward/node-resolve.ts';
import { startBlackhole } from '../helpers/blackhole.ts';
import { type RawConnection, startRawTarget, startTarget } from '../helpers/node-target.ts';
import { type PathOptions, type RunningPath, startPath } from '../helpers/path.ts';
import { closedPort } from '../helpers/ports.ts';
import { type RawResult, sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';

type Script = (connection: RawConnection) => void | Promise<void>;

async function startFailing(script: Script, keys: object = {}, options: Partial<PathOptions> = {}) {
  const target = await startRawTarget(script);
  const path = await startPath({ ...options, routes: { targets: { prod: { urls: [{ url: target.url }], ...keys } } } });
  return { path, target };
}

async function failWith(
  path: RunningPath,
  request = POST,
): Promise<{ result: RawResult; capture: Capture | undefined }> {
  const result = await sendRaw(path.port, request, { responses: 1 });
  await waitFor(() => path.captures.length > 0, { what: 'a capture' });
  return { result, capture: path.captures[0] };
}

const upstreamOf = (path: RunningPath) => path.upstreams('prod')[0];

/** Reads a head, sends these bytes (if any), and ends the connection so. */
function thenSends(bytes: string | Buffer, end: 'open' | 'close' | 'reset' | 'late reset' = 'open'): Script {
  return async (connection) => {
    await connection.readHead();
    if (bytes.length > 0) await connection.send(bytes);
    if (end === 'close') connection.close();
    else if (end === 'reset') connection.reset();
    else if (end === 'late reset') setTimeout(() => connection.reset(), 30);
  };
}

const ok = (rest: string): string => `HTTP/1.1 200 OK\r\n${rest}`;

describe('no answer', () => {
  test.each<readonly [string, Script, string]>([
    ['U03 a close without a byte', thenSends('', 'close'), 'reset'],
    ['U04 a reset before the head', thenSends('', 'reset'), 'reset'],
    ['U04 a reset in the head', thenSends(ok('X-A: '), 'reset'), 'reset'],
    ['an end in the head', thenSends(ok('X-A: '), 'close'), 'reset'],
    ['U05 the banner of an SSH server', (connection) => connection.send('SSH-2.0-OpenSSH_9.2\r\n'), 'protocol'],
    ['U05 a TLS alert', thenSends('\x15\x03\x01\x00\x02\x02\x16'), 'protocol'],
    ['U05 a status of two digits', thenSends('HTTP/1.1 20\r\n\r\n'), 'protocol'],
    ['U05 another protocol', thenSends('ICY 200 OK\r\n\r\n'), 'protocol'],
    ['U05 a status beyond all classes', thenSends(ok('Content-Length: 0\r\n\r\n').replace('200', '999')), 'protocol'],
    ['U05 a status below all classes', thenSends(ok('Content-Length: 0\r\n\r\n').replace('200', '099')), 'protocol'],
    ['U05 a version to come', thenSends(ok('Content-Length: 0\r\n\r\n').replace('1.1', '2.0')), 'protocol'],
    [
      'F26 a status line that ends with two CR',
      thenSends('HTTP/1.1 200 OK\r\rContent-Length: 4\r\n\r\nEvil'),
      'protocol',
    ],
    ['F26 chunked twice', thenSends(ok(`${'Transfer-Encoding: chunked\r\n'.repeat(2)}\r\n0\r\n\r\n`)), 'protocol'],
    ['F26 a line without a colon', thenSends(ok('no colon\r\nContent-Length: 0\r\n\r\n')), 'protocol'],
    [
      'F26 a 103 in a coding that nobody speaks',
      thenSends('HTTP/1.1 103 X\r\nTransfer-Encoding: foo\r\n\r\n'),
      'protocol',
    ],
    ['U05 zeros', thenSends(Buffer.alloc(1_000_000)), 'protocol'],
    ['F26 two lengths', thenSends(ok('Content-Length: 1\r\nContent-Length: 2\r\n\r\nab')), 'protocol'],
    [
      'F26 length and chunked',
      thenSends(ok('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')),
      'protocol',
    ],
    ['F26 a coding that nobody speaks', thenSends(ok('Transfer-Encoding: foo\r\n\r\nabc')), 'protocol'],
    ['F26 a length that is none', thenSends(ok('Content-Length: foo\r\n\r\n')), 'protocol'],
    ['F26 S16 a folded header', thenSends(ok('X-A: 1\r\n X-B: 2\r\nContent-Length: 0\r\n\r\n')), 'protocol'],
    ['F26 NUL in a header', thenSends(ok('X-A: \0\r\nContent-Length: 0\r\n\r\n')), 'protocol'],
  ])('%s is one failure, one record and a problem document', async (_, script, reason) => {
    const { path, target } = await startFailing(script);
    const { result, capture } = await failWith(path);
    const [response] = result.responses;
    expect(response?.status).toBe(502);
    // What is behind a broken answer is never read as the answer to another request.
    await waitFor(() => target.connections[0]?.socket.destroyed, { what: 'the target’s connection to be closed' });
    expect(response?.header('content-type')).toBe('application/problem+json');
    expect(response?.header('outrider-record')).toBe(capture?.id);
    expect(capture).toMatchObject({ reason, response: null });
    expect(capture?.errorReason).toMatch(/^the target.*( \([A-Z_a-z]+\)|: its coding is not chunked)$/);
    expect(path.captures).toHaveLength(1);
    expect(path.metric('outrider_failures_total', { reason })).toBe(1);
  });

  test('U01 a refused connection is told at once, and nothing was sent', async () => {
    const path = await startPath({ routes: { targets: { prod: `http://127.0.0.1:${await closedPort()}` } } });
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(502);
    expect(capture).toMatchObject({
      reason: 'connect',
      requestSent: 'no',
      errorReason: 'the target refused the connection (ECONNREFUSED)',
      attempts: [{ reason: 'connect', requestSent: 'no', status: null }],
    });
  });

  test('U01 a target that is down without a word is a 504 after timeouts.connect, and nothing was sent', async () => {
    const url = `http://127.0.0.1:${await startBlackhole()}`;
    const targets = { prod: { urls: [{ url }], timeouts: { connect: '300ms' } } };
    const path = await startPath({ routes: { targets } });
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(504);
    expect(capture).toMatchObject({ reason: 'connect', requestSent: 'no' });
  });

  test('U06 silence is a 504 after timeouts.response', async () => {
    const { path } = await startFailing(() => undefined, { timeouts: { response: '300ms' } });
    const started = performance.now();
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(504);
    expect(performance.now() - started).toBeGreaterThan(250);
    expect(capture).toMatchObject({ reason: 'timeout', requestSent: 'yes' });
  });

  test('L14 timeouts.total ends what trickles on for ever', async () => {
    const { path } = await startFailing(
      async (c) => {
        await c.readHead();
        await c.trickle(`HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n${'x'.repeat(10_000)}`, 20, 20);
      },
      { timeouts: { total: '300ms' } },
    );
    const result = await sendRaw(path.port, GET);
    expect(result.responses).toEqual([]);
    expect(path.captures[0]).toMatchObject({ reason: 'timeout' });
  });

  test('timeouts.total ends an exchange before its answer with a 504, once, whatever may be tried again', async () => {
    const { path, target } = await startFailing(() => undefined, {
      timeouts: { total: '200ms' },
      retry: { attempts: 5, when: ['timeout', 'connect'] },
    });
    const { result } = await failWith(path, GET);
    expect(result.responses[0]?.status).toBe(504);
    expect(target.connections).toHaveLength(1);
  });

  test('a rule’s own connect timeout holds where it differs from the target’s', async () => {
    const blackhole = await startRawTarget(() => undefined);
    const hangs: LookupAll = () => undefined;
    const path = await startPath({
      resolver: new Resolver(hangs),
      routes: {
        targets: { prod: `http://hangs.test:${blackhole.port}` },
        rules: [{ name: 'all', target: 'prod', timeouts: { connect: '150ms' } }],
      },
    });
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(504);
    expect(capture).toMatchObject({ reason: 'connect', requestSent: 'no' });
  });
});

describe('half an answer', () => {
  const counted = ok('Content-Length: 100\r\n\r\nonly this');
  const chunked = ok('Transfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n');

  test.each<readonly [string, Script, string]>([
    ['B10 fewer bytes than announced', thenSends(counted, 'close'), 'truncated'],
    ['U04 a reset in the body', thenSends(counted, 'late reset'), 'truncated'],
    ['B11 no last chunk', thenSends(chunked, 'close'), 'truncated'],
    ['B11 a chunk size that is none', thenSends(`${chunked}ZZ\r\n`), 'protocol'],
    ['B11 a chunk longer than its size', thenSends(`${chunked}2\r\nabcdef\r\n0\r\n\r\n`), 'protocol'],
    ['U07 silence in the body', thenSends(counted), 'timeout'],
  ])('%s: the caller’s connection is cut, and the failure is kept', async (_, script, reason) => {
    const { path } = await startFailing(script, { timeouts: { idle: '300ms' } });
    const result = await sendRaw(path.port, POST);
    expect(String(result.bytes)).toContain('HTTP/1.1 200 OK');
    expect(String(result.bytes)).not.toContain('\r\n0\r\n\r\n');
    expect(result.responses).toEqual([]);
    expect(path.captures).toHaveLength(1);
    expect(path.captures[0]).toMatchObject({ reason, requestSent: 'yes', attempts: [{ status: 200, reason }] });
    expect(path.metric('outrider_captures_total', { result: 'committed' })).toBe(1);
  });
});

test('B10 a caller of HTTP/1.0, to whom the end of the connection is the end of the body, gets a reset', async () => {
  const { path } = await startFailing(thenSends(ok('Transfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n'), 'late reset'));
  expect((await sendRaw(path.port, 'GET / HTTP/1.0\r\n\r\n')).ended).toBe('reset');
  expect(path.captures[0]?.reason).toBe('truncated');
});

describe('sending again', () => {
  test('H13 a POST whose target resets arrives exactly once', async () => {
    const { path, target } = await startFailing(
      async (connection) => {
        await connection.readHead();
        await connection.readBody(5);
        connection.reset();
      },
      { retry: { attempts: 3, when: ['reset', 'connect'] } },
    );
    const { result, capture } = await failWith(path);
    expect(result.responses.map(({ status }) => status)).toEqual([502]);
    expect(target.connections).toHaveLength(1);
    expect(capture).toMatchObject({ reason: 'reset', requestSent: 'yes' });
    expect(capture?.attempts).toHaveLength(1);
  });

  /** Answers the first request of its first connection, resets the second request there, then behaves. */
  const stale: Script = async (connection) => {
    for (let i = 0; ; i++) {
      await connection.readHead();
      if (connection.index === 0 && i === 1) return connection.reset();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }
  };

  test('H14 a GET on a connection that the target was just closing goes once more on a fresh one', async () => {
    const { path, target } = await startFailing(stale);
    for (let i = 0; i < 2; i++) {
      const { responses } = await sendRaw(path.port, GET, { responses: 1 });
      expect(responses[0]?.status).toBe(200);
    }
    expect(target.connections).toHaveLength(2);
    expect(path.captures).toEqual([]);
    expect(path.metric('outrider_retries_total', { result: 'delivered' })).toBe(1);
  });

  test('H14 U10 a POST there is not sent again', async () => {
    const { path, target } = await startFailing(stale);
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';
    await sendRaw(path.port, post, { responses: 1 });
    expect((await sendRaw(path.port, post, { responses: 1 })).responses[0]?.status).toBe(502);
    expect(target.connections).toHaveLength(1);
  });

  test('H14 a GET whose target resets a fresh connection is not sent again', async () => {
    const { path, target } = await startFailing(thenSends('', 'reset'));
    const { result, capture } = await failWith(path, GET);
    expect(result.responses[0]?.status).toBe(502);
    expect(target.connections).toHaveLength(1);
    expect(capture?.attempts).toHaveLength(1);
  });

  test.each([
    ['a 103', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['a 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nX-A:'],
    ['half a status line', 'HTTP/1.1 2'],
  ])('H14 a GET is not sent again once %s of its answer has come', async (_, begun) => {
    const { path, target } = await startFailing(async (connection) => {
      await connection.readHead();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      await connection.readHead();
      await connection.send(begun);
      connection.close();
    });
    await sendRaw(path.port, GET, { responses: 1 });
    expect((await sendRaw(path.port, GET, { responses: 1 })).responses.at(-1)?.status).toBe(502);
    expect(target.connections).toHaveLength(1);
    expect(path.captures[0]?.attempts).toHaveLength(1);
  });

  test('H14 at most once', async () => {
    const { path, target } = await startFailing(async (connection) => {
      await connection.readHead();
      if (connection.index > 0) return connection.reset();
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      await connection.readHead();
      connection.reset();
    });
    await sendRaw(path.port, GET, { responses: 1 });
    expect((await sendRaw(path.port, GET, { responses: 1 })).responses[0]?.status).toBe(502);
    expect(target.connections).toHaveLength(2);
    expect(path.captures[0]?.attempts).toHaveLength(2);
  });

  test('a refused connection is tried at another URL, a body with it, and the record tells of each try', async () => {
    const target = await startTarget();
    const dead = `http://127.0.0.1:${await closedPort()}`;
    const routes = (urls: string[]) => ({
      targets: { prod: { urls: urls.map((url) => ({ url })), retry: { attempts: 2, when: ['connect'] } } },
    });
    const path = await startPath({ routes: routes([dead, target.url]) });
    for (let i = 0; i < 4; i++) {
      const { responses } = await sendRaw(path.port, POST, { responses: 1 });
      expect(responses[0]?.status).toBe(200);
    }
    expect(target.requests.map(({ body }) => String(body))).toEqual(Array(4).fill('hello'));
    path.reload(routes([dead, dead]));
    const { capture } = await failWith(path);
    expect(capture?.attempts.map(({ reason, requestSent }) => [reason, requestSent])).toEqual([
      ['connect', 'no'],
      ['connect', 'no'],
    ]);
  });

  test('a large upload is sent again from its copy', async () => {
    const target = await startTarget();
    const dead = `http://127.0.0.1:${await closedPort()}`;
    const path = await startPath({
      routes: {
        targets: { prod: { urls: [{ url: dead }, { url: target.url }], retry: { attempts: 2, when: ['connect'] } } },
      },
    });
    const body = 'x'.repeat(60_000);
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    for (let i = 0; i < 2; i++) await sendRaw(path.port, head + body, { responses: 1, splitEvery: 10_000 });
    expect(target.requests.map((request) => request.body.length)).toEqual([60_000, 60_000]);
  });
});

describe('several URLs', () => {
  test('weights decide how many requests each gets', async () => {
    const [one, two] = [await startTarget(), await startTarget()];
    const urls = [
      { url: one.url, weight: 3 },
      { url: two.url, weight: 1 },
    ];
    const path = await startPath({ routes: { targets: { prod: { urls } } } });
    for (let i = 0; i < 8; i++) await sendRaw(path.port, GET, { responses: 1 });
    expect([one.requests.length, two.requests.length]).toEqual([6, 2]);
  });

  test('one that fails is left out for circuitBreaker.openFor and then comes back', async () => {
    let broken = true;
    const flaky = await startTarget((_, response) => void (broken ? response.destroy() : response.end()));
    const good = await startTarget();
    const path = await startPath({
      routes: {
        targets: {
          prod: { urls: [{ url: flaky.url }, { url: good.url }], circuitBreaker: { failures: 2, openFor: '400ms' } },
        },
      },
    });
    for (let i = 0; i < 4; i++) await sendRaw(path.port, POST, { responses: 1 });
    expect(path.upstreams('prod').map(({ healthy }) => healthy)).toEqual([false, true]);
    const before = flaky.requests.length;
    for (let i = 0; i < 4; i++) await sendRaw(path.port, POST, { responses: 1 });
    expect(flaky.requests).toHaveLength(before);
    broken = false;
    await waitFor(() => path.upstreams('prod')[0]?.healthy, { what: 'the URL to be tried again' });
    for (let i = 0; i < 2; i++) await sendRaw(path.port, POST, { responses: 1 });
    expect(flaky.requests).toHaveLength(before + 1);
  });

  test('an answer of 503 says nothing about a URL’s health, and neither does a caller that leaves', async () => {
    const target = await startTarget((received, response) => {
      if (received.uri === '/x') response.writeHead(503).end();
    });
    const path = await startPath({
      routes: { targets: { prod: { urls: [{ url: target.url }], circuitBreaker: { failures: 1, openFor: '10s' } } } },
    });
    await sendRaw(path.port, GET, { responses: 1 });
    expect(upstreamOf(path)?.healthy).toBe(true);
    for (const request of [
      'GET /hang HTTP/1.1\r\nHost: a\r\n\r\n',
      'POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf',
    ]) {
      const before = target.requests.length;
      const socket = netConnect(path.port, '127.0.0.1');
      socket.write(request);
      await waitFor(() => target.requests.length > before, { what: 'the request at the target' });
      socket.resetAndDestroy();
      await path.rest();
      expect(upstreamOf(path)?.healthy).toBe(true);
    }
  });
});

/** Overload is kept only where a rule says so. */
const KEEP_ALL = { rules: [{ name: 'all', target: 'prod', capture: { when: ['all'] } }] };

describe('L13 connections', () => {
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { promise, resolve };
  };

  test('beyond connections.max requests wait, beyond connections.waiting they are 503 with Retry-After', async () => {
    const { promise, resolve } = hold();
    const target = await startTarget(async (_, response) => {
      await promise;
      response.end('done');
    });
    const path = await startPath({
      routes: { targets: { prod: { urls: [{ url: target.url }], connections: { max: 2, waiting: 1 } } }, ...KEEP_ALL },
    });
    const running = [1, 2, 3].map(() => sendRaw(path.port, POST, { responses: 1 }));
    await waitFor(() => path.load().waiting === 1, { what: 'one to wait' });
    expect(target.accepted()).toBe(2);
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(503);
    expect(result.responses[0]?.header('retry-after')).toBe('1');
    expect(capture).toMatchObject({ reason: 'overload', requestSent: 'no' });
    resolve();
    for (const each of await Promise.all(running)) expect(each.responses[0]?.status).toBe(200);
    expect(target.accepted()).toBe(2);
    expect(upstreamOf(path)?.healthy).toBe(true);
  });

  test('what waits longer than timeouts.connect is 503', async () => {
    const { promise, resolve } = hold();
    const target = await startTarget(async (_, response) => {
      await promise;
      response.end('done');
    });
    const path = await startPath({
      routes: {
        targets: {
          prod: { urls: [{ url: target.url }], connections: { max: 1, waiting: 5 }, timeouts: { connect: '200ms' } },
        },
        ...KEEP_ALL,
      },
    });
    const first = sendRaw(path.port, POST, { responses: 1 });
    await waitFor(() => path.load().upstreams === 1, { what: 'the first to run' });
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(503);
    expect(capture?.reason).toBe('overload');
    resolve();
    expect((await first).responses[0]?.status).toBe(200);
  });

  test('one that waits and whose caller leaves gives its place up, and is never sent', async () => {
    const { promise, resolve } = hold();
    const target = await startTarget(async (_, response) => {
      await promise;
      response.end('done');
    });
    const path = await startPath({
      routes: { targets: { prod: { urls: [{ url: target.url }], connections: { max: 1, waiting: 1 } } } },
    });
    const first = sendRaw(path.port, POST, { responses: 1 });
    await waitFor(() => path.load().upstreams === 1, { what: 'the first to run' });
    const leaving = netConnect(path.port, '127.0.0.1');
    leaving.write(POST.replace('/x', '/left'));
    await waitFor(() => path.load().waiting === 1, { what: 'the second to wait' });
    leaving.resetAndDestroy();
    await waitFor(() => path.captures.length === 1, { what: 'the record of the one that left' });
    expect(path.captures[0]).toMatchObject({ reason: 'clientAbort', requestSent: 'no' });
    const third = sendRaw(path.port, POST.replace('/x', '/third'), { responses: 1 });
    await waitFor(() => path.load().waiting === 1, { what: 'the third to wait' });
    resolve();
    expect((await first).responses[0]?.status).toBe(200);
    expect((await third).responses[0]?.status).toBe(200);
    expect(target.requests.map(({ uri }) => uri)).toEqual(['/x', '/third']);
    expect(target.accepted()).toBe(1);
  });

  test('an upload that stops while it waits is 408, at once and not when its turn comes', async () => {
    const { promise, resolve } = hold();
    const target = await startTarget(async (_, response) => {
      await promise;
      response.end('done');
    });
    const path = await startPath({
      process: { limits: { bodyIdle: '200ms' } },
      routes: {
        targets: {
          prod: { urls: [{ url: target.url }], connections: { max: 1, waiting: 5 }, timeouts: { connect: '5s' } },
        },
      },
    });
    const first = sendRaw(path.port, POST, { responses: 1 });
    await waitFor(() => path.load().upstreams === 1, { what: 'the first to run' });
    const slow = await sendRaw(path.port, 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
    expect(slow.responses[0]?.status).toBe(408);
    resolve();
    expect((await first).responses[0]?.status).toBe(200);
    expect(target.requests).toHaveLength(1);
  });

  test('a reload lets what runs and what waits come to its end', async () => {
    const { promise, resolve } = hold();
    const target = await startTarget(async (_, response) => {
      await promise;
      response.end('done');
    });
    const routes = (max: number) => ({
      targets: { prod: { urls: [{ url: target.url }], connections: { max, waiting: 5 } } },
    });
    const path = await startPath({ routes: routes(1) });
    const before = [1, 2, 3].map(() => sendRaw(path.port, POST, { responses: 1 }));
    await waitFor(() => path.load().waiting === 2, { what: 'two to wait' });
    path.reload(routes(2));
    const after = sendRaw(path.port, POST, { responses: 1 });
    await waitFor(() => target.requests.length === 2, { what: 'the new configuration to be used' });
    resolve();
    for (const each of await Promise.all([...before, after])) expect(each.responses[0]?.status).toBe(200);
  });

  test('after a reload the old connections are closed, those in use when they are done', async () => {
    const { promise, resolve } = hold();
    const target = await startTarget(async (received, response) => {
      if (received.uri === '/slow') await promise;
      response.end();
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const slow = sendRaw(path.port, GET.replace('/x', '/slow'), { responses: 1 });
    await waitFor(() => target.requests.length === 1, { what: 'the slow request' });
    await sendRaw(path.port, GET, { responses: 1 });
    const open = (): Promise<number> => new Promise((done) => target.server.getConnections((_, count) => done(count)));
    expect(await open()).toBe(2);
    path.reload({ targets: { prod: 'http://127.0.0.1:1' } });
    await waitFor(async () => (await open()) === 1, { what: 'the idle connection to be closed', timeoutMs: 1500 });
    resolve();
    expect((await slow).responses[0]?.status).toBe(200);
    await waitFor(async () => (await open()) === 0, { what: 'the other to be closed', timeoutMs: 1500 });
  });

  test('a further try after a reload still goes to the targets that the exchange began with', async () => {
    const target = await startTarget();
    const names: LookupAll = (hostname, callback) => {
      if (hostname === 'good.test') callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const urls = [{ url: `http://good.test:${target.port}` }, { url: 'http://hangs.test' }];
    const retry = { attempts: 2, when: ['dns'] };
    const path = await startPath({
      resolver: new Resolver(names),
      routes: { targets: { prod: { urls, retry, timeouts: { connect: '300ms' } } } },
    });
    await sendRaw(path.port, GET, { responses: 1 });
    const asked = sendRaw(path.port, GET, { responses: 1 });
    await waitFor(() => path.load().upstreams === 1, { what: 'the try that hangs' });
    path.reload({ targets: { prod: 'http://127.0.0.1:1' } });
    expect((await asked).responses[0]?.status).toBe(200);
  });

  test('U02 connections older than connections.maxAge are not used again', async () => {
    const target = await startTarget();
    const path = await startPath({
      routes: { targets: { prod: { urls: [{ url: target.url }], connections: { maxAge: '50ms' } } } },
    });
    await sendRaw(path.port, GET, { responses: 1 });
    await new Promise((resolve) => setTimeout(resolve, 80));
    await sendRaw(path.port, GET, { responses: 1 });
    expect(target.accepted()).toBe(2);
  });
});

describe('U02 names', () => {
  test('a name that does not resolve is reason dns', async () => {
    const none: LookupAll = (hostname, callback) =>
      callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), []);
    const path = await startPath({
      resolver: new Resolver(none),
      routes: { targets: { prod: 'http://nowhere.test' } },
    });
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(502);
    expect(capture).toMatchObject({ reason: 'dns', requestSent: 'no' });
    expect(JSON.stringify(String(result.bytes))).not.toContain('nowhere.test');
  });

  test('a name server that does not answer is reason dns, within timeouts.connect', async () => {
    const hangs: LookupAll = () => undefined;
    const path = await startPath({
      resolver: new Resolver(hangs, { names: null }),
      routes: { targets: { prod: { urls: [{ url: 'http://hangs.test' }], timeouts: { connect: '300ms' } } } },
    });
    const { result, capture } = await failWith(path);
    expect(result.responses[0]?.status).toBe(502);
    expect(capture).toMatchObject({
      reason: 'dns',
      requestSent: 'no',
      errorReason: expect.stringContaining('ETIMEOUT'),
    });
  });

  test('names that hang delay only their own targets', async () => {
    const target = await startTarget();
    const names: LookupAll = (hostname, callback) => {
      if (hostname === 'good.test') callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const resolver = new Resolver(() => undefined, { names });
    const targets = {
      good: `http://good.test:${target.port}`,
      a: 'http://a.test',
      b: 'http://b.test',
      c: 'http://c.test',
    };
    const rules = ['a', 'b', 'c'].map((name) => ({ name, target: name, match: { paths: [`/${name}`] } }));
    const path = await startPath({ resolver, routes: { targets, rules } });
    const hanging = ['a', 'b', 'c'].map((name) => sendRaw(path.port, GET.replace('/x', `/${name}`), { responses: 1 }));
    await waitFor(() => path.load().upstreams === 3, { what: 'all to hang' });
    expect((await sendRaw(path.port, GET, { responses: 1 })).responses[0]?.status).toBe(200);
    expect(path.load().upstreams).toBe(3);
    for (const each of await Promise.all(hanging)) expect(each.responses[0]?.status).toBe(502);
  });

  test('a name that moves is followed: its new address is used once the old answer is five seconds old', async () => {
    const before = await startTarget();
    const moved = await startTarget(undefined, { host: '127.0.0.2', port: before.port });
    let now = 0;
    let address = '127.0.0.1';
    const resolver = new Resolver((_, callback) => callback(null, [{ address, family: 4 }]), { now: () => now });
    const url = `http://moves.test:${before.port}`;
    const targets = { prod: { urls: [{ url }], connections: { maxAge: '1ms' } } };
    const path = await startPath({ resolver, routes: { targets } });
    await sendRaw(path.port, GET, { responses: 1 });
    address = '127.0.0.2';
    now = 5000;
    await waitFor(() => (path.upstreams('prod')[0]?.open ?? 0) > 0, { what: 'the connection' });
    const open = performance.now();
    await waitFor(() => performance.now() - open > 2, { what: 'the connection to be too old', everyMs: 1 });
    await sendRaw(path.port, GET, { responses: 1 });
    expect([before.requests.length, moved.requests.length]).toEqual([1, 1]);
  });

  test('every address of a name gets connections', async () => {
    const first = await startTarget();
    const second = await startTarget(undefined, { host: '127.0.0.2', port: first.port });
    const both: LookupAll = (_, callback) =>
      callback(
        null,
        ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })),
      );
    const targets = { prod: { urls: [{ url: `http://both.test:${first.port}` }], connections: { maxAge: '1ms' } } };
    const path = await startPath({ resolver: new Resolver(both), routes: { targets } });
    for (let i = 0; i < 4; i++) {
      await sendRaw(path.port, GET, { responses: 1 });
      const open = performance.now();
      await waitFor(() => performance.now() - open > 2, { what: 'the connection to be too old', everyMs: 1 });
    }
    expect([first.requests.length, second.requests.length]).toEqual([2, 2]);
  });

  test('of several addresses the next is tried when one refuses', async () => {
    const target = await startTarget();
    const both: LookupAll = (_, callback) =>
      callback(null, [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const path = await startPath({
      resolver: new Resolver(both),
      routes: { targets: { prod: `http://both.test:${target.port}` } },
    });
    const { responses } = await sendRaw(path.port, GET, { responses: 1 });
    expect(responses[0]?.status).toBe(200);
  });
});

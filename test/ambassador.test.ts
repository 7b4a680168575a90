/** The whole path: a failure is on disk before its caller is answered, or the answer says that it is not. */
import { connect, type Socket } from 'node:net';
import type { Capture } from '../src/exchange.ts';
import { answering, startRawTarget, startTarget } from './helpers/node-target.ts';
import { type RunningPath, startPath } from './helpers/path.ts';
import { closedPort } from './helpers/ports.ts';
import { type RawResponse, sendRaw } from './helpers/raw-client.ts';
import { waitFor } from './helpers/wait.ts';

const POST = 'POST /api?x=1 HTTP/1.1\r\nHost: a.test\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello';
const post = (body: string): string => `POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

async function ask(path: RunningPath, request = POST): Promise<RawResponse> {
  const { responses } = await sendRaw(path.port, request, { responses: 1 });
  const response = responses.at(-1);
  if (response === undefined) throw new Error('no answer');
  return response;
}

/** A path to a port that refuses, with this capture rule. */
async function startDown(capture: object = {}, process: Record<string, unknown> = {}): Promise<RunningPath> {
  const rules = [{ name: 'users', target: 'prod', capture }];
  return startPath({ process, routes: { targets: { prod: `http://127.0.0.1:${await closedPort()}` }, rules } });
}

const bytesOf = (capture: Capture | undefined): string =>
  capture?.body.kind === 'memory' ? Buffer.from(capture.body.bytes).toString('latin1') : 'not in memory';

describe('a record', () => {
  test('holds the request as it came, before any patch', async () => {
    const rules = [{ name: 'users', target: 'prod', request: { headers: { set: { 'x-one': 'patched' } } } }];
    const url = `http://127.0.0.1:${await closedPort()}/base`;
    const path = await startPath({ routes: { targets: { prod: url }, rules } });
    const before = Date.now() / 1000;
    const traceparent = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n';
    const response = await ask(path, POST.replace('X-One', `${traceparent}X-One`));
    const [capture] = path.captures;
    expect(capture).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/),
      timestamp: expect.any(Number),
      head: {
        listener: 'ambassador',
        method: 'POST',
        uri: '/api?x=1',
        rawHeaders: expect.arrayContaining(['Host', 'a.test', 'X-One', '1']),
        authority: 'a.test',
        scheme: 'http',
        httpVersion: '1.1',
        remoteAddress: '127.0.0.1',
      },
      body: { kind: 'memory', bytes: expect.anything(), truncated: false, totalBytes: 5 },
      rule: 'users',
      target: 'prod',
      backendUrl: url,
      reason: 'connect',
      errorReason: 'the target refused the connection (ECONNREFUSED)',
      requestSent: 'no',
      attempts: [
        {
          at: expect.any(Number),
          url: `${url}/api?x=1`,
          reason: 'connect',
          status: null,
          requestSent: 'no',
          ms: expect.any(Number),
        },
      ],
      response: null,
      traceId: '0af7651916cd43dd8448eb211c80319c',
    });
    expect(bytesOf(capture)).toBe('hello');
    expect(capture?.timestamp).toBeGreaterThanOrEqual(before - 0.01);
    expect(capture?.timestamp).toBeLessThan(before + 5);
    expect(response.header('outrider-record')).toBe(capture?.id);
  });

  test('is made for failures alone', async () => {
    const target = await startTarget();
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    expect((await ask(path)).header('outrider-record')).toBeUndefined();
    expect(path.captures).toEqual([]);
    expect(path.metric('outrider_requests_total', { code: '200' })).toBe(1);
  });
});

describe('the answer', () => {
  test('names the record only after the disk has answered', async () => {
    const path = await startDown();
    path.keeper.commitDelayMs = 150;
    const asked = ask(path);
    await waitFor(() => path.captures.length === 1, { what: 'the capture' });
    expect(path.keeper.committed).toEqual([path.captures[0]?.id]);
    const started = performance.now();
    const response = await asked;
    expect(performance.now() - started).toBeGreaterThan(100);
    expect(response.status).toBe(502);
    expect(JSON.parse(String(response.body))).toMatchObject({ status: 502, record: path.captures[0]?.id });
    expect(String(response.body)).not.toContain('127.0.0.1');
  });

  test('is pending, without a record, after capture.wait', async () => {
    const path = await startDown({}, { capture: { wait: '150ms' } });
    path.keeper.answer = 'silent';
    const response = await ask(path);
    expect(response.status).toBe(502);
    expect(response.header('outrider-record')).toBeUndefined();
    expect(response.header('outrider-capture')).toBe('pending');
    expect(JSON.parse(String(response.body)).record).toBeUndefined();
    expect(path.metric('outrider_captures_total', { result: 'pending' })).toBe(1);
  });

  test('a commit that comes after that changes nothing', async () => {
    const path = await startDown({}, { capture: { wait: '50ms' } });
    path.keeper.commitDelayMs = 150;
    expect((await ask(path)).header('outrider-capture')).toBe('pending');
    await waitFor(() => path.keeper.committed.length === 1, { what: 'the commit' });
    expect((await ask(path)).status).toBe(502);
    expect(path.metric('outrider_captures_total', { result: 'pending' })).toBe(2);
  });

  test.each([
    ['the disk refuses', (path: RunningPath) => Object.assign(path.keeper, { answer: 'fail' })],
    ['there is no keeper', (path: RunningPath) => path.client.detach('the keeper thread crashed')],
  ])('is failed at once when %s', async (_, breakIt) => {
    const path = await startDown({}, { capture: { wait: '50s' } });
    breakIt(path);
    const response = await ask(path);
    expect(response.status).toBe(502);
    expect(response.header('outrider-record')).toBeUndefined();
    expect(response.header('outrider-capture')).toBe('failed');
    expect(path.metric('outrider_captures_total', { result: 'failed' })).toBe(1);
    expect(path.lines.some(({ level }) => level === 'error')).toBe(true);
  });

  test('a keeper that crashes while a commit is waited for fails it at once', async () => {
    const path = await startDown({}, { capture: { wait: '5s' } });
    path.keeper.answer = 'silent';
    const asked = ask(path);
    await waitFor(() => path.captures.length === 1, { what: 'the capture' });
    path.client.detach('the keeper thread crashed');
    expect((await asked).header('outrider-capture')).toBe('failed');
  });
});

describe('a rule’s own answer', () => {
  const answer = {
    status: 503,
    headers: { 'content-type': 'application/json', 'x-rule': '${rule}' },
    body: '{"error":"try later","request_id":"${id}","path":"${query:x}"}',
  };

  test('goes out once the record is on disk', async () => {
    const path = await startDown({ answer });
    const response = await ask(path);
    expect(response.status).toBe(503);
    expect(response.header('x-rule')).toBe('users');
    expect(JSON.parse(String(response.body))).toEqual({
      error: 'try later',
      request_id: path.captures[0]?.id,
      path: '1',
    });
    expect(response.header('outrider-record')).toBe(path.captures[0]?.id);
  });

  test('does not go out when nothing was kept', async () => {
    const path = await startDown({ answer });
    path.keeper.answer = 'fail';
    const response = await ask(path);
    expect(response.status).toBe(502);
    expect(String(response.body)).not.toContain('try later');
  });

  test('takes the place of the target’s own', async () => {
    const target = await startTarget(answering(503, 'stack trace'));
    const path = await startPath({
      routes: { targets: { prod: target.url }, rules: [{ name: 'users', target: 'prod', capture: { answer } }] },
    });
    const response = await ask(path);
    expect(String(response.body)).toContain('try later');
    expect(Buffer.from(path.captures[0]?.response?.body ?? []).toString()).toBe('stack trace');
    expect(path.upstreams('prod')[0]?.healthy).toBe(true);
  });

  test('that can not be made from this request gives way to the target’s own', async () => {
    const target = await startTarget(answering(503, 'theirs'));
    const broken = { status: 503, headers: { 'x-name': '${query:x}' }, body: 'ours' };
    const path = await startPath({
      routes: {
        targets: { prod: target.url },
        rules: [{ name: 'users', target: 'prod', capture: { answer: broken } }],
      },
    });
    const response = await ask(path, POST.replace('x=1', 'x=%0d%0a'));
    expect(String(response.body)).toBe('theirs');
    expect(response.header('outrider-record')).toBe(path.captures[0]?.id);
  });

  test('has no body for HEAD', async () => {
    const path = await startDown({ answer });
    const head = 'HEAD /api HTTP/1.1\r\nHost: a\r\n\r\n';
    const { responses, rest } = await sendRaw(path.port, head, { idleMs: 250, methods: ['HEAD'] });
    expect(responses[0]?.status).toBe(503);
    expect(rest).toHaveLength(0);
  });
});

describe('U09 the target’s own failed answer', () => {
  test('is relayed byte for byte, with the record’s id', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      const fields = 'Retry-After: 7\r\nX_odd: \xe9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n';
      await connection.send(`HTTP/1.1 503 Gone Fishing\r\n${fields}Content-Length: 5\r\n\r\nsorry`);
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const response = await ask(path);
    expect(response.statusLine).toBe('HTTP/1.1 503 Gone Fishing');
    expect(response.rawHeaders.slice(0, 5)).toEqual([
      ['Retry-After', '7'],
      ['X_odd', '\xe9'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['Content-Length', '5'],
    ]);
    expect(String(response.body)).toBe('sorry');
    const [capture] = path.captures;
    expect(response.header('outrider-record')).toBe(capture?.id);
    expect(capture).toMatchObject({ reason: 'status', requestSent: 'yes', attempts: [{ status: 503, reason: null }] });
    expect(capture?.response).toMatchObject({ status: 503, truncated: false });
    expect(Buffer.from(capture?.response?.body ?? []).toString()).toBe('sorry');
  });

  test.each([
    [500, false],
    [501, false],
    [502, true],
    [503, true],
    [504, true],
    [404, false],
  ])('%i is kept by default: %s', async (status, isKept) => {
    const target = await startTarget(answering(status, 'x'));
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const response = await ask(path);
    expect(response.status).toBe(status);
    expect(path.captures).toHaveLength(isKept ? 1 : 0);
    expect(response.header('outrider-record') !== undefined).toBe(isKept);
  });

  test('4xx are kept where a rule says so, and only for its methods', async () => {
    const target = await startTarget(answering(418, 'x'));
    const capture = { when: ['4xx'], methods: ['POST'] };
    const path = await startPath({
      routes: { targets: { prod: target.url }, rules: [{ name: 'tea', target: 'prod', capture }] },
    });
    expect((await ask(path)).header('outrider-record')).toBeDefined();
    expect((await ask(path, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).header('outrider-record')).toBeUndefined();
  });

  test('of more than capture.response is recorded so far, and streams on after the commit', async () => {
    const body = Buffer.alloc(1_000_000, 'x');
    const target = await startTarget(
      (_, response) => void response.writeHead(503, { 'content-length': body.length }).end(body),
    );
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const response = await ask(path);
    expect(response.body.equals(body)).toBe(true);
    expect(path.captures[0]?.response).toMatchObject({ truncated: true });
    expect(path.captures[0]?.response?.body).toHaveLength(65_536);
    await path.rest();
    const line = path.lines.find(({ fields }) => fields.record !== undefined);
    expect(line?.fields.attempts).toBe(1);
  });

  test('that takes longer than a second is recorded so far, and streams on', async () => {
    const { promise: recorded, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(async (_, response) => {
      response.writeHead(503).write('first');
      await recorded;
      response.end('last');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const asked = ask(path);
    await waitFor(() => path.captures.length === 1, { what: 'the record' });
    expect(Buffer.from(path.captures[0]?.response?.body ?? []).toString()).toBe('first');
    resolve();
    expect(String((await asked).body)).toBe('firstlast');
  });

  test('that breaks off is recorded, relayed as far as it came, and cut', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send('HTTP/1.1 503 Broken\r\nContent-Length: 100\r\n\r\nhalf');
      connection.close();
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const result = await sendRaw(path.port, POST);
    expect(result.responses).toEqual([]);
    expect(String(result.rest)).toMatch(/^HTTP\/1.1 503 Broken[\s\S]*outrider-record: .*[\s\S]*half$/);
    expect(path.captures).toHaveLength(1);
    expect(path.captures[0]).toMatchObject({ response: { status: 503, truncated: true }, attempts: [{ status: 503 }] });
  });

  test('is answered while the caller is still sending: the upload to the target stops, the rest is kept', async () => {
    const target = await startTarget((_, response) => void response.writeHead(503).end('full'), { early: true });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const body = 'x'.repeat(50_000);
    const { responses } = await sendRaw(path.port, post(body), { responses: 1, splitEvery: 1000 });
    expect(responses[0]?.status).toBe(503);
    expect(path.captures[0]?.body).toMatchObject({ truncated: false, totalBytes: 50_000 });
    expect(bytesOf(path.captures[0])).toBe(body);
  });

  test('ends the upload to the target, while the rest of the request is read to be kept', async () => {
    let atTarget = 0;
    const target = await startTarget(
      (_, response, request) => {
        request.on('data', (chunk: Buffer) => {
          atTarget += chunk.length;
        });
        response.writeHead(503).write('begun');
      },
      { early: true },
    );
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect(path.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    const size = 3_000_000;
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\nx`);
    await waitFor(() => atTarget > 0, { what: 'the beginning at the target' });
    await waitFor(() => path.load().upstreams === 1, { what: 'the attempt' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write('x'.repeat(size - 1));
    await waitFor(() => received.includes('outrider-record'), { what: 'the answer' });
    expect(path.captures[0]?.body).toMatchObject({ truncated: false, totalBytes: size });
    expect(atTarget).toBeLessThan(size / 2);
    socket.destroy();
  });

  test('with trailers keeps them', async () => {
    const target = await startTarget((_, response) => {
      response.writeHead(503, { trailer: 'X-Sum' });
      response.write('a');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    expect((await ask(path)).trailers).toEqual([['X-Sum', '1']]);
  });
});

describe('a request that is still coming when it has failed', () => {
  const HEAD = 'POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf';

  async function sendHalf(path: RunningPath): Promise<{ socket: Socket; received: () => string }> {
    const socket = connect(path.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.write(HEAD);
    return { socket, received: () => received };
  }

  test('is read to its end, kept whole, then answered', async () => {
    const path = await startDown();
    const { socket, received } = await sendHalf(path);
    await waitFor(() => path.metric('outrider_requests_in_flight') === 1, { what: 'the exchange' });
    expect(received()).toBe('');
    socket.write('-other');
    await waitFor(() => received().includes('outrider-record'), { what: 'the answer' });
    expect(bytesOf(path.captures[0])).toBe('half-other');
    socket.destroy();
  });

  test('is answered with what has come after capture.readWait: partial', async () => {
    const path = await startDown({}, { capture: { readWait: '200ms' } });
    const { socket, received } = await sendHalf(path);
    await waitFor(() => received().includes('\r\n\r\n'), { what: 'the answer' });
    expect(received()).toMatch(/outrider-record: /);
    expect(received()).toMatch(/outrider-capture: partial/);
    expect(received()).toMatch(/connection: close/i);
    expect(path.captures[0]?.body).toMatchObject({ truncated: true, totalBytes: 4 });
    await waitFor(() => socket.readyState === 'closed', { what: 'the connection to be closed' });
  });

  test('is given up by a caller that leaves in the middle', async () => {
    const path = await startDown();
    const { socket } = await sendHalf(path);
    await waitFor(() => path.metric('outrider_requests_in_flight') === 1, { what: 'the exchange' });
    socket.resetAndDestroy();
    await path.rest();
    // Whether the refused connection or the caller was first decides what it is called; it is never called whole.
    expect(path.captures.every(({ body }) => body.truncated)).toBe(true);
  });
});

describe('copies', () => {
  test('of up to 64 KiB are in memory, and the memory is given back', async () => {
    const path = await startDown();
    const body = 'x'.repeat(65_536);
    await ask(path, post(body));
    expect(bytesOf(path.captures[0])).toBe(body);
    await path.rest();
    expect(path.memory.used).toBe(0);
  });

  test('of more are a file that holds every byte, and that the record names', async () => {
    const path = await startDown();
    const body = Array.from({ length: 300_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
    const response = await ask(path, post(body));
    const copy = path.captures[0]?.body;
    expect(copy).toMatchObject({ kind: 'file', truncated: false, totalBytes: 300_000 });
    expect(String(path.keeper.files.get(copy?.kind === 'file' ? copy.file : 0))).toBe(body);
    expect(response.header('outrider-capture')).toBeUndefined();
    await path.rest();
    expect(path.keeper.dropped).toEqual([]);
  });

  test('of what was delivered are dropped', async () => {
    const target = await startTarget();
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    await ask(path, post('x'.repeat(300_000)));
    await path.rest();
    expect(path.keeper.files.size).toBe(0);
    expect(path.keeper.dropped).toHaveLength(1);
  });

  test('are files when capture.memory is used up', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(async (_, response) => {
      await go;
      response.end();
    });
    const path = await startPath({
      process: { capture: { memory: '64Ki' } },
      routes: { targets: { prod: target.url } },
    });
    const first = ask(path, post('x'.repeat(60_000)));
    await waitFor(() => path.memory.used === 60_000, { what: 'the first copy' });
    const second = ask(path, post('y'.repeat(20_000)));
    await waitFor(() => path.keeper.files.size === 1, { what: 'the second copy' });
    expect(path.memory.used).toBe(60_000);
    resolve();
    await Promise.all([first, second]);
  });

  test('L11 are cut at capture.body, and the record says so', async () => {
    const path = await startDown({}, { capture: { body: '1Ki' } });
    const response = await ask(path, post('x'.repeat(5000)));
    expect(response.header('outrider-record')).toBeDefined();
    expect(response.header('outrider-capture')).toBe('partial');
    expect(path.captures[0]?.body).toMatchObject({ truncated: true, totalBytes: 5000 });
  });

  test('L11 that are cut at capture.body leave the request as it is: the target gets all of it', async () => {
    const target = await startTarget(answering(503, 'no'));
    const routes = { targets: { prod: target.url } };
    const path = await startPath({ process: { capture: { body: '1Ki' } }, routes });
    const response = await ask(path, post('x'.repeat(300_000)));
    expect([response.status, response.header('outrider-capture')]).toEqual([503, 'partial']);
    expect(target.last().body.equals(Buffer.alloc(300_000, 'x'))).toBe(true);
    expect(path.captures[0]?.body).toMatchObject({ truncated: true, totalBytes: 300_000 });
  });

  test('are not made where nothing is kept', async () => {
    const target = await startTarget();
    const rules = [{ name: 'none', target: 'prod', capture: { when: ['none'] } }];
    const path = await startPath({ routes: { targets: { prod: target.url }, rules } });
    await ask(path, post('x'.repeat(300_000)));
    expect(target.last().body).toHaveLength(300_000);
    expect(path.keeper.files.size + path.keeper.dropped.length).toBe(0);
  });

  test('are given up when the disk refuses them, and the request goes on', async () => {
    const target = await startTarget();
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect(path.port, '127.0.0.1');
    socket.resume();
    const body = 'x'.repeat(2_000_000);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 500_000)}`);
    await waitFor(() => path.keeper.files.size === 1, { what: 'the file' });
    path.keeper.breakFile(1);
    socket.write(body.slice(500_000));
    await waitFor(() => target.requests.at(0)?.complete, { what: 'the whole request at the target' });
    expect(target.last().body).toHaveLength(body.length);
    socket.destroy();
  });

  test('of a failed request that the disk refuses make its record a partial one', async () => {
    const path = await startDown();
    const socket = connect(path.port, '127.0.0.1');
    const body = 'x'.repeat(400_000);
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 200_000)}`);
    await waitFor(() => path.keeper.files.size === 1, { what: 'the file' });
    path.keeper.breakFile(1);
    socket.write(body.slice(200_000));
    await waitFor(() => said.includes('\r\n\r\n'), { what: 'the answer' });
    expect(said).toMatch(/^outrider-capture: partial\r$/im);
    expect(path.captures[0]?.body).toMatchObject({ truncated: true, totalBytes: 400_000 });
    socket.destroy();
  });

  test('that a disk is too slow for are given up: a live upload is held up for a moment, and never fails', async () => {
    const target = await startTarget();
    const path = await startPath({
      process: { capture: { memory: '256Ki' } },
      routes: { targets: { prod: target.url } },
    });
    path.keeper.writes = false;
    const started = performance.now();
    const response = await ask(path, post('x'.repeat(4_000_000)));
    expect(response.status).toBe(200);
    expect(target.last().body).toHaveLength(4_000_000);
    expect(performance.now() - started).toBeLessThan(4000);
    expect(path.keeper.dropped).toHaveLength(1);
  });

  test('of a failed request wait for the disk as long as capture.readWait allows', async () => {
    const path = await startDown({}, { capture: { memory: '1Mi' } });
    path.keeper.writes = false;
    const asked = ask(path, post('x'.repeat(900_000)));
    await waitFor(() => path.keeper.files.size === 1, { what: 'the file' });
    const writer = setInterval(() => path.keeper.writeAll(), 20);
    const response = await asked;
    clearInterval(writer);
    expect(response.header('outrider-record')).toBeDefined();
    expect(path.captures[0]?.body).toMatchObject({ kind: 'file', totalBytes: 900_000 });
  });
});

describe('what goes no further', () => {
  test('a request that no rule and no default is for is 404', async () => {
    const path = await startPath({ routes: { targets: { prod: 'http://127.0.0.1:1' }, default: 'reject' } });
    const response = await ask(path);
    expect(response.status).toBe(404);
    expect(path.captures).toEqual([]);
    expect(path.metric('outrider_rejected_total', { reason: 'noRule' })).toBe(1);
  });

  test('a refused upload of several megabytes still gets to read its answer', async () => {
    const path = await startPath({ routes: { targets: { prod: 'http://127.0.0.1:1' }, default: 'reject' } });
    for (let i = 0; i < 5; i++) expect((await ask(path, post('x'.repeat(3_000_000)))).status).toBe(404);
  });
});

test('each exchange is one line, one count and one duration, whatever became of it', async () => {
  const target = await startTarget((received, response) => {
    if (received.uri === '/fail') response.writeHead(503).end();
    else if (received.uri === '/cut') response.destroy();
    else response.end('ok');
  });
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  for (const uri of ['/', '/fail', '/cut']) await ask(path, POST.replace('/api?x=1', uri));
  await path.rest();
  expect(path.metric('outrider_requests_total')).toBe(3);
  const lines = path.lines.filter(({ fields }) => fields.method === 'POST');
  expect(lines).toHaveLength(3);
  expect(lines.filter(({ fields }) => fields.record !== undefined && fields.record !== '')).toHaveLength(2);
});

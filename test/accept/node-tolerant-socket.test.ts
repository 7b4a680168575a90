import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { cleanUp } from '../helpers/cleanup.ts';
import { startRawTarget, startTarget, type Target } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { type RawResult, sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const ALL = ['missing-host', 'raw-target', 'bare-lf', 'obs-fold'];

interface Started {
  readonly path: RunningPath;
  readonly target: Target;
}

async function start(tolerate: readonly string[] = ALL, process: Record<string, unknown> = {}): Promise<Started> {
  const target = await startTarget();
  const listeners = [{ name: 'ambassador', address: '127.0.0.1:0', tolerate }];
  return {
    target,
    path: await startPath({ process: { listeners, ...process }, routes: { targets: { prod: target.url } } }),
  };
}

const statuses = ({ responses }: RawResult): number[] => responses.map(({ status }) => status);
const tolerated = (path: RunningPath, kind: string): number => path.metric('outrider_tolerated_total', { kind });

describe('tolerate', () => {
  test.each([
    ['missing-host', 'GET / HTTP/1.1\r\n\r\n', '/'],
    ['raw-target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', '/a%20b'],
    ['bare-lf', 'GET /lf HTTP/1.1\nHost: a\n\n', '/lf'],
    ['obs-fold', 'GET /fold HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n 2\r\n\r\n', '/fold'],
  ])('%s is served and counted where it is tolerated, and 400 where it is not', async (kind, bytes, uri) => {
    const { path, target } = await start([kind]);
    for (const splitEvery of [1, 1000]) {
      expect(statuses(await sendRaw(path.port, bytes, { responses: 1, splitEvery }))).toEqual([200]);
    }
    expect(target.requests.map((request) => request.uri)).toEqual([uri, uri]);
    expect(tolerated(path, kind)).toBe(2);
    const strict = await start(ALL.filter((other) => other !== kind));
    expect(statuses(await sendRaw(strict.path.port, bytes))).toEqual([400]);
    expect(strict.target.requests).toEqual([]);
    expect(tolerated(strict.path, kind)).toBe(0);
  });

  test('a missing Host becomes the place that the client connected to', async () => {
    const { path, target } = await start();
    await sendRaw(path.port, 'GET / HTTP/1.1\r\n\r\n', { responses: 1 });
    expect(target.last().headers['x-forwarded-host']).toBe(`127.0.0.1:${path.port}`);
  });

  test('every request of a kept connection is repaired, bodies are passed on byte for byte', async () => {
    const { path, target } = await start();
    const body = 'GET /smuggled HTTP/1.1\n\n';
    const post = `POST /1 HTTP/1.1\nContent-Length: ${body.length}\n\n${body}`;
    const result = await sendRaw(path.port, `${post}GET /2 3 HTTP/1.1\r\n\r\n${post}`, { responses: 3 });
    expect(statuses(result)).toEqual([200, 200, 200]);
    const got = target.requests.map((request) => [request.uri, String(request.body)]);
    expect(got.sort()).toEqual([
      ['/1', body],
      ['/1', body],
      ['/2%203', ''],
    ]);
  });

  test.each([1, 1000])(
    'F14 in pieces of %i bytes: a trailer that routes is 400, and what is behind it in the same segment is not served',
    async (splitEvery) => {
      const { path, target } = await start();
      const chunked = 'POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n';
      const bytes = `${chunked}Host: evil\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n`;
      expect(statuses(await sendRaw(path.port, bytes, { splitEvery }))).toEqual([400]);
      expect(target.requests.filter(({ complete }) => complete)).toEqual([]);
    },
  );

  test('an upload that its target does not read is not read either', async () => {
    const target = await startRawTarget(({ socket }) => void socket.pause());
    const listeners = [{ name: 'ambassador', address: '127.0.0.1:0', tolerate: ALL }];
    const rules = [{ name: 'all', target: 'prod', capture: { when: ['none'] } }];
    const path = await startPath({ process: { listeners }, routes: { targets: { prod: target.url }, rules } });
    const socket = connect(path.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    const total = 64_000_000;
    const piece = Buffer.alloc(500_000);
    let taken = 0;
    const pour = (): void => {
      for (let isTaken = true; isTaken && taken < total; taken += piece.length) isTaken = socket.write(piece);
    };
    socket.on('drain', pour);
    socket.write(`POST / HTTP/1.1\r\nContent-Length: ${total}\r\n\r\n`);
    pour();
    await waitFor(() => target.connections.length === 1, { what: 'the connection to the target' });
    let same = 0;
    let before = 0;
    await waitFor(
      () => {
        same = taken === before ? same + 1 : 0;
        before = taken;
        return same >= 30;
      },
      { what: 'the upload to stand still' },
    );
    // The buffers of two connections; far below the body.
    expect(taken).toBeLessThan(24_000_000);
    socket.destroy();
    for (const connection of target.connections) connection.reset();
    await path.rest();
  });

  test('a large body passes both ways', async () => {
    const target = await startTarget((received, response) => void response.end(received.body));
    const listeners = [{ name: 'ambassador', address: '127.0.0.1:0', tolerate: ALL }];
    const path = await startPath({ process: { listeners }, routes: { targets: { prod: target.url } } });
    const body = Buffer.alloc(8_000_000, 'abcdefg\n');
    const answer = await fetch(`${path.url}/large`, { method: 'POST', body });
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
  });

  test('a caller that goes away, half or whole, is seen', async () => {
    const { path } = await start();
    expect(statuses(await sendRaw(path.port, 'GET / HTTP/1.1\n\n', { end: true }))).toEqual([200]);
    expect(statuses(await sendRaw(path.port, 'GET / HTTP/1.1\nX', { end: true }))).toEqual([400]);
    const socket = connect(path.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc');
    await waitFor(() => path.load().listeners === 1, { what: 'the request' });
    socket.resetAndDestroy();
    await path.rest();
  });

  test('limits hold: a head without end is 431, a slow one 408', async () => {
    const { path } = await start(ALL, { limits: { headerBytes: '4Ki', requestLine: '1Ki', headTimeout: '300ms' } });
    expect(statuses(await sendRaw(path.port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`))).toEqual([431]);
    expect(statuses(await sendRaw(path.port, 'GET / HTTP/1.1\nX: y'))).toEqual([408]);
  });

  test('drain and close work as on any other listener', async () => {
    const { path } = await start();
    const idle = sendRaw(path.port, 'GET / HTTP/1.1\n\n');
    await waitFor(() => tolerated(path, 'bare-lf') === 1, { what: 'the request' });
    await path.rest();
    await Promise.all(path.listeners.map((listener) => listener.close()));
    expect((await idle).ended).toBe('closed');
  });

  async function openEcho(process: Record<string, unknown> = {}): Promise<WebSocket> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    cleanUp(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const listeners = [{ name: 'ambassador', address: '127.0.0.1:0', tolerate: ALL }];
    const targets = { prod: `http://127.0.0.1:${port}` };
    const path = await startPath({ process: { listeners, ...process }, routes: { targets } });
    const client = new WebSocket(`ws://127.0.0.1:${path.port}/socket`);
    await new Promise((resolve) => client.once('open', resolve));
    return client;
  }

  test('W06 a WebSocket that is used is not idle, and one that is not is ended', async () => {
    const client = await openEcho({ limits: { tunnelIdle: '1s' } });
    let closed = false;
    client.on('close', () => {
      closed = true;
    });
    // Longer than the limit in all, and never as long in between.
    for (let said = 0; said < 15; said++) {
      const echoed = new Promise((resolve) => client.once('message', resolve));
      client.send('still here');
      await echoed;
      await pause(100);
      expect(closed).toBe(false);
    }
    await waitFor(() => closed, { what: 'the end' });
  });

  test('a WebSocket goes through', async () => {
    const client = await openEcho();
    const text = 'GET /a b HTTP/1.1\n\n'.repeat(5000);
    const echoed = new Promise((resolve) => client.once('message', resolve));
    client.send(text);
    expect(String(await echoed)).toBe(text);
    client.terminate();
  });
});

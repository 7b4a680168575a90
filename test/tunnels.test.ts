/** WebSockets and other upgrades through the path. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { cleanUp } from './helpers/cleanup.ts';
import { startRawTarget, startTarget } from './helpers/node-target.ts';
import { startPath } from './helpers/path.ts';
import { portOf } from './helpers/ports.ts';
import { sendRaw } from './helpers/raw-client.ts';
import { call, half, openSocket, pathTo, SWITCH, startEcho, startSwitching, UPGRADE } from './helpers/tunnel.ts';
import { waitFor } from './helpers/wait.ts';

describe('W01 WebSockets', () => {
  test('messages go both ways, byte for byte, from empty ones to a mebibyte', async () => {
    const echo = await startEcho();
    const path = await pathTo(echo.url);
    const socket = await openSocket(path);
    const messages = [
      Buffer.alloc(0),
      Buffer.from('hello'),
      randomBytes(125),
      randomBytes(70_000),
      randomBytes(1024 * 1024),
    ];
    const received: Buffer[] = [];
    socket.on('message', (data: Buffer) => received.push(data));
    for (const message of messages) socket.send(message, { binary: true });
    await waitFor(() => received.length === messages.length, { what: 'all echoes' });
    for (const [index, message] of messages.entries()) expect(received[index]?.equals(message)).toBe(true);
    socket.close(4001, 'enough');
    await waitFor(() => path.metric('outrider_requests_total', { code: '101' }) === 1, { what: 'the tunnel to end' });
  });

  test('the handshake reaches the target as it was, but for what belongs to the connection', async () => {
    const echo = await startEcho();
    const rules = [
      {
        name: 'chat',
        target: 'prod',
        match: { paths: ['/chat'] },
        request: { headers: { set: { 'x-one': 'patched' } }, path: { replacePrefix: '/v2' } },
        response: { headers: { set: { 'x-rule': '${rule}' } } },
      },
    ];
    const path = await pathTo(echo.url, { routes: { targets: { prod: echo.url }, rules } });
    const socket = new WebSocket(`ws://127.0.0.1:${path.port}/chat?room=1`, ['chat.v2', 'chat.v1'], {
      headers: { 'x-one': '1' },
    });
    cleanUp(() => socket.terminate());
    let response: Record<string, unknown> = {};
    socket.once('upgrade', ({ headers }) => {
      response = headers;
    });
    await new Promise((resolve) => socket.once('open', resolve));
    const [head] = echo.heads;
    expect(head?.uri).toBe('/v2?room=1');
    expect(head?.headers).toMatchObject({
      host: echo.url.slice('http://'.length),
      'x-one': 'patched',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'chat.v2,chat.v1',
      via: `1.1 ${path.pseudonym}`,
      'x-forwarded-for': '127.0.0.1',
      connection: 'Upgrade',
      upgrade: 'websocket',
    });
    expect(socket.protocol).toBe('chat.v2');
    expect(response['x-rule']).toBe('chat');
    expect(response['sec-websocket-accept']).toBeDefined();
  });

  test('W06 a close, a reset or silence on one side ends the other within a second', async () => {
    const echo = await startEcho();
    const path = await pathTo(echo.url);
    const first = await openSocket(path);
    first.terminate();
    await waitFor(() => echo.sockets[0]?.readyState === WebSocket.CLOSED, {
      what: 'the target’s end',
      timeoutMs: 1000,
    });
    const second = await openSocket(path);
    echo.sockets[1]?.terminate();
    await waitFor(() => second.readyState === WebSocket.CLOSED, { what: 'the caller’s end', timeoutMs: 1000 });
    const third = await openSocket(path);
    let reason = '';
    third.on('close', (code, words) => {
      reason = `${code} ${String(words)}`;
    });
    echo.sockets[2]?.close(4002, 'bye');
    await waitFor(() => reason === '4002 bye', { what: 'the close frame' });
    await path.rest();
  });

  test('many at once', async () => {
    const echo = await startEcho();
    const path = await pathTo(echo.url);
    const sockets = await Promise.all(Array.from({ length: 50 }, () => openSocket(path)));
    const echoes = sockets.map(
      (socket, i) =>
        new Promise((resolve) => socket.once('message', (data) => resolve(String(data) === `m${i}`)).send(`m${i}`)),
    );
    expect((await Promise.all(echoes)).every(Boolean)).toBe(true);
    expect(path.metric('outrider_requests_in_flight')).toBe(50);
    for (const socket of sockets) socket.terminate();
  });
});

describe('other protocols', () => {
  test('W04 bytes go both ways, also those that come with either head, in their order', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(`${SWITCH}early-down `);
      connection.socket.on('data', (chunk) => connection.socket.write(chunk));
    });
    const path = await pathTo(target.url);
    const { socket, received } = call(path, `${UPGRADE}early-up\xff\0`);
    await waitFor(() => received().endsWith('early-down early-up\xff\0'), { what: 'the early bytes' });
    socket.write('later');
    await waitFor(() => received().endsWith('later'), { what: 'the later bytes' });
    expect(received()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(received().match(/^(connection|upgrade): .*$/gim)).toEqual(['Connection: Upgrade', 'Upgrade: echo']);
    socket.destroy();
  });

  test('W06 what a target sends before it closes reaches a caller that reads slowly, to the last byte', async () => {
    const size = 24 * 1024 * 1024 + 5000;
    const target = await startSwitching(async (connection) => {
      await connection.send(Buffer.alloc(size, 'x'));
      connection.close();
    });
    const path = await pathTo(target.url);
    const socket = connect(path.port, '127.0.0.1');
    cleanUp(() => void socket.destroy());
    socket.write(UPGRADE);
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
    await waitFor(() => socket.closed, { what: 'the end', timeoutMs: 10_000 });
    expect(received).toBeGreaterThanOrEqual(size);
  });

  test('W06 what a caller sends before it closes its side reaches the target, and the rest comes back', async () => {
    let atTarget = '';
    const target = await startSwitching((connection) => {
      connection.socket.on('data', (chunk) => {
        atTarget += String(chunk);
      });
    });
    const path = await pathTo(target.url);
    const { socket, received } = call(path);
    await waitFor(() => received().includes('101'), { what: 'the switch' });
    socket.write('last words');
    await half(socket);
    await waitFor(() => atTarget === 'last words', { what: 'the last words' });
    socket.destroy();
  });

  test('W06 a tunnel in which one side alone speaks is not idle', async () => {
    const target = await startSwitching((connection) => connection.trickle('x'.repeat(12), 1, 80));
    const path = await pathTo(target.url, { process: { limits: { tunnelIdle: '400ms' } } });
    const { socket, received, ended } = call(path);
    await waitFor(() => received().endsWith('x'.repeat(12)), { what: 'all of it' });
    expect(ended()).toBe(false);
    socket.destroy();
  });

  test('W03 a 101 tells no length', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(`${SWITCH.replace('\r\n\r\n', '\r\nContent-Length: 4\r\n\r\n')}data`);
    });
    const { socket, received } = call(await pathTo(target.url));
    await waitFor(() => received().endsWith('data'), { what: 'the bytes after the switch' });
    expect(received()).not.toMatch(/content-length/i);
    socket.destroy();
  });

  test('W06 limits.tunnelIdle ends what nobody uses', async () => {
    const target = await startSwitching(() => undefined);
    const path = await pathTo(target.url, { process: { limits: { tunnelIdle: '200ms' } } });
    const { received, ended } = call(path);
    await waitFor(() => received().includes('101'), { what: 'the switch' });
    await waitFor(ended, { what: 'the end', timeoutMs: 2000 });
  });
});

describe('what is no tunnel', () => {
  test('H18 h2c is not spoken: the request is served as it is', async () => {
    const target = await startTarget();
    const path = await pathTo(target.url);
    const bytes =
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\n\r\n';
    const { responses } = await sendRaw(path.port, bytes, { responses: 1 });
    expect(responses[0]?.status).toBe(200);
    expect(target.last().headers.upgrade).toBeUndefined();
    expect(target.last().headers['http2-settings']).toBeUndefined();
  });

  test('HTTP/1.0 can not switch', async () => {
    const target = await startTarget();
    const path = await pathTo(target.url);
    const { responses } = await sendRaw(path.port, UPGRADE.replace('HTTP/1.1', 'HTTP/1.0'));
    expect(responses[0]?.status).toBe(200);
    expect(target.last().headers.upgrade).toBeUndefined();
  });

  test('W08 CONNECT is refused and the connection closed, and what follows it is not served', async () => {
    const target = await startTarget();
    const path = await pathTo(target.url);
    const connectTo = `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\n\r\n`;
    const { responses, rest, ended } = await sendRaw(
      path.port,
      `${connectTo}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    );
    expect(responses.map(({ status }) => status)).toEqual([501]);
    expect(rest).toHaveLength(0);
    expect(ended).toBe('closed');
    await path.rest();
    expect(target.accepted()).toBe(0);
  });

  test('W07 of several protocols the target may take one, and no other', async () => {
    const target = await startSwitching((connection) => {
      connection.socket.on('data', (chunk) => connection.socket.write(chunk));
    });
    const path = await pathTo(target.url);
    const { socket, received } = call(path, `${UPGRADE.replace('Upgrade: echo', 'Upgrade: other, echo')}abc`);
    await waitFor(() => received().endsWith('abc'), { what: 'the echo' });
    expect(target.connections[0]?.received().toString()).toMatch(/^Upgrade: other, echo\r$/m);
    socket.destroy();
    const none = await pathTo(target.url);
    const refused = await sendRaw(none.port, UPGRADE.replace('Upgrade: echo', 'Upgrade: other, another'));
    expect(refused.responses[0]?.status).toBe(502);
  });

  test.each([
    ['W07 a body with a length', UPGRADE.replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\nhello'), 400],
    ['W07 a chunked body', UPGRADE.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 400],
    ['two Hosts', UPGRADE.replace('\r\n\r\n', '\r\nHost: b\r\n\r\n'), 400],
    ['a loop', UPGRADE.replace('\r\n\r\n', '\r\nVia: 1.1 outrider-test1234\r\n\r\n'), 508],
  ])('%s is refused and the connection closed', async (_, bytes, status) => {
    const echo = await startEcho();
    const path = await pathTo(echo.url);
    const { responses, ended } = await sendRaw(path.port, `${bytes}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(responses.map((response) => response.status)).toEqual([status]);
    expect(ended).toBe('closed');
    expect(path.metric('outrider_rejected_total')).toBe(1);
    expect(echo.heads).toEqual([]);
  });

  test('one that no rule is for is 404', async () => {
    const path = await startPath({ routes: { targets: { prod: 'http://127.0.0.1:1' }, default: 'reject' } });
    expect((await sendRaw(path.port, UPGRADE)).responses[0]?.status).toBe(404);
  });

  test('what follows a refused request on its connection is no tunnel either', async () => {
    const echo = await startEcho();
    const path = await pathTo(echo.url);
    const { responses } = await sendRaw(path.port, `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${UPGRADE}`);
    expect(responses.map(({ status }) => status)).toEqual([400]);
    await path.rest();
    expect(path.metric('outrider_requests_total')).toBe(0);
  });

  test('an upgrade behind a request that waits for its answer does not mix with that', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(async (_, response) => {
      await go;
      response.end('first');
    });
    const path = await pathTo(target.url);
    const asked = sendRaw(path.port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${UPGRADE}`);
    await waitFor(() => path.metric('outrider_rejected_total') === 1, { what: 'the refusal' });
    resolve();
    expect((await asked).responses.map(({ status }) => status)).toEqual([200, 400]);
  });

  test.each([
    ['an upgrade', UPGRADE],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'],
  ])('a caller that resets while %s waits behind a request harms nobody', async (_, second) => {
    const target = await startTarget(() => undefined);
    const path = await pathTo(target.url);
    const { socket } = call(path, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${second}`);
    await waitFor(() => path.metric('outrider_rejected_total') === 1, { what: 'the refusal' });
    socket.resetAndDestroy();
    await path.rest();
  });
});

test('S05 a patch of the answer that request data breaks leaves the answer as it is', async () => {
  const target = await startSwitching(() => undefined);
  const rules = [{ name: 'all', target: 'prod', response: { headers: { set: { 'x-name': '${query:room}' } } } }];
  const path = await startPath({ routes: { targets: { prod: target.url }, rules } });
  const { socket, received } = call(path, UPGRADE.replace('room=1', 'room=%0d%0aX-Evil:%201'));
  await waitFor(() => received().includes('\r\n\r\n'), { what: 'the switch' });
  expect(received()).toContain('101 Switching');
  expect(received()).not.toMatch(/x-evil|x-name/i);
  socket.destroy();
});

test('W09 while draining, new ones are refused, those that run go on until they are cut', async () => {
  const echo = await startEcho();
  const path = await pathTo(echo.url);
  const socket = await openSocket(path);
  path.tunnels.drain();
  const { responses } = await sendRaw(path.port, UPGRADE);
  expect(responses[0]?.status).toBe(503);
  const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
  socket.send('still here');
  expect(await echoed).toBe('still here');
  path.tunnels.destroy();
  await waitFor(() => socket.readyState === WebSocket.CLOSED, { what: 'the cut' });
});

test('a tunnel to a target behind TLS and a private CA', async () => {
  const { makeCertificates, readCertificate } = await import('./helpers/certificates.ts');
  const { createServer: createTlsServer } = await import('node:https');
  const certificates = makeCertificates();
  const server = createTlsServer(readCertificate(certificates.server));
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    for (const client of webSockets.clients) client.terminate();
    server.close();
  });
  const url = `https://127.0.0.1:${portOf(server)}`;
  const good = await startPath({ routes: { targets: { prod: { urls: [{ url }], tls: { ca: certificates.ca } } } } });
  const socket = await openSocket(good);
  const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
  socket.send('secret');
  expect(await echoed).toBe('secret');
  socket.terminate();
  const bad = await startPath({ routes: { targets: { prod: url } } });
  expect((await sendRaw(bad.port, UPGRADE)).responses[0]?.status).toBe(502);
  expect(bad.captures[0]?.reason).toBe('tls');
});

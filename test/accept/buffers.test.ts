/** What many exchanges hold of memory together, in the process: refused beyond it, and given back. */
import { connect, type Socket } from 'node:net';
import { answering, startRawTarget, startTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { SWITCH, UPGRADE } from '../helpers/tunnel.ts';
import { waitFor } from '../helpers/wait.ts';

const GET = 'GET /first HTTP/1.1\r\nHost: a\r\n\r\n';

describe('limits.bufferBytes', () => {
  test('what comes when it is used up is 503 with Retry-After, and taken again as soon as there is room', async () => {
    const target = await startRawTarget(() => undefined);
    const { url } = await startTarget(answering(200));
    const routes = {
      targets: { prod: url, hung: target.url },
      rules: [{ name: 'hung', match: { paths: ['/hung'] }, target: 'hung' }],
    };
    const path = await startPath({ process: { limits: { bufferBytes: '1Mi' } }, routes });
    const refused = (): number => path.metric('outrider_rejected_total', { reason: 'buffers' });
    const sockets = Array.from({ length: 8 }, () => {
      const socket = connect(path.port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      socket.write('PUT /hung HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
      socket.write('x'.repeat(500_000));
      return socket;
    });
    await waitFor(() => refused() > 0, { what: 'the limit' });
    const [answer] = (await sendRaw(path.port, GET, { responses: 1 })).responses;
    expect([answer?.status, answer?.header('retry-after')]).toEqual([503, '1']);
    expect(path.captures).toEqual([]);
    for (const socket of sockets) socket.destroy();
    await waitFor(async () => (await sendRaw(path.port, GET, { responses: 1 })).responses[0]?.status === 200, {
      what: 'service',
    });
    await path.rest();
  });

  test('a caller that reads nothing holds its part until it leaves', async () => {
    const target = await startTarget(answering(200, 'x'.repeat(8_000_000)));
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect(path.port, '127.0.0.1');
    socket.pause();
    socket.write(GET);
    await waitFor(() => (path.load().bufferBytes ?? 0) > 64 * 1024, { what: 'bytes that wait' });
    expect(path.load().bufferBytes).toBeLessThan(512 * 1024);
    socket.destroy();
    await path.rest();
  });

  test('unfinished heads count once a second, and where they fill it they are cut, the small ones not', async () => {
    const target = await startTarget(answering(200));
    const path = await startPath({
      process: { limits: { bufferBytes: '1Mi' } },
      routes: { targets: { prod: target.url } },
    });
    const send = (bytes: number): Socket => {
      const socket = connect(path.port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      socket.write(`GET /head HTTP/1.1\r\nHost: a\r\nX-A: ${'x'.repeat(bytes)}`);
      return socket;
    };
    const small = send(500);
    const large = Array.from({ length: 30 }, () => send(25_000));
    const cut = (): number => path.metric('outrider_rejected_total', { reason: 'buffers' });
    await waitFor(
      () => {
        path.beat();
        return cut() === large.length;
      },
      { what: 'the large ones to be cut' },
    );
    await waitFor(() => large.every(({ destroyed }) => destroyed), { what: 'their end' });
    expect(path.buffers.used).toBeGreaterThan(500);
    expect(path.buffers.used).toBeLessThan(5000);
    small.write('\r\n\r\n');
    await waitFor(() => target.requests.length === 1, { what: 'the small one' });
    // A head that has come to its end, and bodies, are no unfinished heads.
    const socket = connect(path.port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`);
    await waitFor(() => target.requests.length === 2, { what: 'the other' });
    path.beat();
    expect(path.buffers.used).toBeLessThan(30_000);
    small.destroy();
    socket.destroy();
    await waitFor(
      () => {
        path.beat();
        return path.buffers.used === 0;
      },
      { what: 'nothing to be held' },
    );
  });

  test('a request that runs and a tunnel have no unfinished heads', async () => {
    const hung = await startRawTarget(() => undefined);
    const tunnel = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(SWITCH);
    });
    const rules = [{ name: 'tunnel', match: { paths: ['/chat'] }, target: 'tunnel' }];
    const path = await startPath({ routes: { targets: { prod: hung.url, tunnel: tunnel.url }, rules } });
    const upload = connect(path.port, '127.0.0.1');
    upload.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`);
    const chat = connect(path.port, '127.0.0.1');
    chat.write(`${UPGRADE}${'x'.repeat(30_000)}`);
    const arrived = (bytes: number) => (): boolean =>
      [hung, tunnel].every(({ connections: [one] }) => (one?.received().length ?? 0) > bytes);
    await waitFor(arrived(20_000), { what: 'the bytes' });
    path.beat();
    expect(path.buffers.used).toBeGreaterThan(20_000);
    expect(path.buffers.used).toBeLessThan(30_000);
    upload.destroy();
    chat.destroy();
  });
});

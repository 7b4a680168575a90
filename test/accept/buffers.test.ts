/** What many exchanges hold of memory together, in the process: refused beyond it, and given back. */
import { connect } from 'node:net';
import { answering, startRawTarget, startTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';
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
      socket.write('PUT /hung HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome of it');
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

  test('an answer that is kept back for its record is no longer than memory allows', async () => {
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(`HTTP/1.1 503 Busy\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(10_000)}`);
      await waitFor(() => path.captures.length > 0, { what: 'the record' });
      await connection.send('x'.repeat(10_000));
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const buffers = path.buffers;
    const held = buffers.limit * 2;
    const asking = sendRaw(path.port, GET, { responses: 1 });
    await waitFor(() => target.connections.length > 0, { what: 'the request' });
    buffers.change(0, held);
    const [answer] = (await asking).responses;
    buffers.change(held, 0);
    expect([answer?.status, answer?.body.length]).toEqual([503, 20_000]);
    expect(path.captures[0]?.response).toMatchObject({ truncated: true });
  });
});

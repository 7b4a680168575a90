/** Callers that leave, at every stage of an exchange. */
import { connect, type Socket } from 'node:net';
import { type LookupAll, Resolver } from '../../src/forward/node-resolve.ts';
import { answering, startRawTarget, startTarget } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { waitFor } from '../helpers/wait.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';

function call(path: RunningPath, bytes: string): Socket {
  const socket = connect(path.port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.write(bytes);
  return socket;
}

type Leave = (socket: Socket) => void;
const ways: readonly (readonly [string, Leave])[] = [
  ['a reset', (socket) => void socket.resetAndDestroy()],
  ['a close', (socket) => void socket.destroy()],
];

describe.each(ways)('U11 with %s', (_, leave) => {
  test.each([
    ['GET', GET, ''],
    ['POST', POST, 'hello'],
  ])(
    'after a whole %s and before the answer: a record named clientAbort, the target is cut within a second',
    async (_method, request, body) => {
      const target = await startTarget(() => undefined);
      const path = await startPath({ routes: { targets: { prod: target.url } } });
      const socket = call(path, request);
      await waitFor(() => target.requests.at(0)?.complete, { what: 'the request at the target' });
      leave(socket);
      await waitFor(() => target.last().aborted, { what: 'the target to be cut', timeoutMs: 1000 });
      await path.rest();
      expect(path.captures).toHaveLength(1);
      const [capture] = path.captures;
      expect(capture).toMatchObject({
        reason: 'clientAbort',
        requestSent: 'yes',
        response: null,
        body: { truncated: false, totalBytes: body.length },
        attempts: [{ reason: 'clientAbort', status: null }],
      });
      expect(capture?.body.kind === 'memory' && Buffer.from(capture.body.bytes).toString()).toBe(body);
      expect(path.metric('outrider_failures_total', { reason: 'clientAbort' })).toBe(1);
      expect(path.upstreams('prod')[0]?.healthy).toBe(true);
    },
  );

  test('while the request is still coming: abandoned, nothing kept, the target is cut', async () => {
    const target = await startTarget();
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = call(path, POST.slice(0, -2));
    await waitFor(() => target.requests.length === 1, { what: 'the head at the target' });
    leave(socket);
    await waitFor(() => target.last().aborted, { what: 'the target to be cut', timeoutMs: 1000 });
    await path.rest();
    expect(path.captures).toEqual([]);
    expect(path.metric('outrider_failures_total')).toBe(0);
    expect(path.upstreams('prod')[0]?.healthy).toBe(true);
  });

  test('while the answer is coming: abandoned, nothing kept, the target is cut', async () => {
    const target = await startTarget((_received, response) => void response.write('first'));
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = call(path, POST);
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    await waitFor(() => received.includes('first'), { what: 'the beginning of the answer' });
    leave(socket);
    await waitFor(() => target.last().aborted, { what: 'the target to be cut', timeoutMs: 3000 });
    await path.rest();
    expect(path.captures).toEqual([]);
  });

  test('while a failed answer is kept back: one record', async () => {
    const target = await startTarget((_received, response) => void response.writeHead(503).write('sorry'));
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = call(path, POST);
    await waitFor(() => target.requests.at(0)?.complete, { what: 'the request at the target' });
    leave(socket);
    await path.rest();
    expect(path.captures).toHaveLength(1);
    expect(['clientAbort', 'status']).toContain(path.captures[0]?.reason);
  });
});

test('a caller that leaves while its record is written is told of once, and nothing is left behind', async () => {
  const target = await startTarget(answering(503));
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  path.keeper.commitDelayMs = 200;
  const socket = call(path, POST);
  await waitFor(() => path.captures.length === 1, { what: 'the record to be on its way' });
  socket.resetAndDestroy();
  await waitFor(() => path.keeper.committed.length === 1, { what: 'the commit' });
  await path.rest();
  expect(path.captures.map(({ reason }) => reason)).toEqual(['status']);
  expect(path.metric('outrider_failures_total')).toBe(1);
  expect(path.lines.filter(({ fields }) => fields.verdict !== undefined || fields.method === 'POST')).toHaveLength(1);
});

test('a caller that leaves before a connection to the target is there is kept, and nothing is sent', async () => {
  const hangs: LookupAll = () => undefined;
  const path = await startPath({ resolver: new Resolver(hangs), routes: { targets: { prod: 'http://hangs.test' } } });
  const socket = call(path, POST);
  await waitFor(() => path.load().upstreams === 1, { what: 'the attempt' });
  socket.resetAndDestroy();
  await path.rest();
  expect(path.captures[0]).toMatchObject({ requestSent: 'no' });
});

test('a caller that leaves while its pooled connection is idle harms nobody', async () => {
  const target = await startTarget();
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  for (let i = 0; i < 3; i++) {
    const socket = call(path, GET);
    await waitFor(() => target.requests.length === i + 1, { what: 'the request' });
    socket.resetAndDestroy();
    await path.rest();
  }
});

test('a failure after the head of the answer: the record is committed before the connection is cut', async () => {
  const target = await startRawTarget(async (connection) => {
    await connection.readHead();
    await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    connection.close();
  });
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  path.keeper.commitDelayMs = 200;
  const socket = call(path, POST);
  socket.resume();
  let committedAtClose: number | null = null;
  socket.on('close', () => {
    committedAtClose = path.keeper.committed.length;
  });
  await waitFor(() => committedAtClose !== null, { what: 'the connection to be cut' });
  expect(committedAtClose).toBe(1);
});

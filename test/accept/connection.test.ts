import { connect } from 'node:net';
import { startTarget, type Target } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { type RawResult, sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

async function start(): Promise<{ path: RunningPath; target: Target }> {
  const target = await startTarget();
  return { target, path: await startPath({ routes: { targets: { prod: target.url } } }) };
}

const statuses = ({ responses }: RawResult): number[] => responses.map(({ status }) => status);
const wholeRequests = (target: Target): string[] =>
  target.requests.filter(({ complete }) => complete).map(({ method, uri }) => `${method} ${uri}`);

const CHUNKED = 'POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n';
const BEHIND = 'GET /behind HTTP/1.1\r\nHost: a\r\n\r\n';

describe('trailers that frame, route or authenticate', () => {
  test.each(['Host: evil', 'Authorization: Basic eA==', 'Connection: close', 'Cookie: a=b', 'proxy-authorization: x'])(
    'F14 %s behind the body is 400, and nothing reaches a target whole',
    async (line) => {
      const { path, target } = await start();
      const result = await sendRaw(path.port, `${CHUNKED}\r\n5\r\nhello\r\n0\r\n${line}\r\n\r\n${BEHIND}`);
      expect(statuses(result)).toEqual([400]);
      expect(result.responses[0]?.header('connection')).toBe('close');
      expect(wholeRequests(target)).toEqual([]);
      expect(path.metric('outrider_rejected_total', { reason: 'framing' })).toBe(1);
      expect(path.captures).toEqual([]);
    },
  );

  test('F14 an upload that is on its way is cut at the target, never ended', async () => {
    const { path, target } = await start();
    const socket = connect(path.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.write(`${CHUNKED}\r\n5\r\nhello\r\n`);
    await waitFor(() => target.requests.length === 1, { what: 'the head at the target' });
    socket.write('0\r\nHost: evil\r\n\r\n');
    await waitFor(() => socket.closed, { what: 'the end of the connection' });
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(wholeRequests(target)).toEqual([]);
    await path.rest();
  });

  test('F14 other trailers are dropped, and the connection goes on', async () => {
    const { path, target } = await start();
    const bytes = `${CHUNKED}\r\n5\r\nhello\r\n0\r\nVary: *\r\nX-Sum: 1\r\n\r\n${BEHIND}`;
    expect(statuses(await sendRaw(path.port, bytes, { responses: 2 }))).toEqual([200, 200]);
    expect(wholeRequests(target).sort()).toEqual(['GET /behind', 'POST /chunked']);
    expect(target.requests.some(({ headers }) => 'x-sum' in headers)).toBe(false);
  });
});

test('F24 a body that comes without waiting for 100 Continue closes nothing: what follows it is answered', async () => {
  const { path, target } = await start();
  const bytes = `${CHUNKED}Expect: 100-continue\r\n\r\n0\r\n\r\n${BEHIND}`;
  const result = await sendRaw(path.port, bytes, { responses: 2 });
  expect(statuses(result).filter((status) => status >= 200)).toEqual([200, 200]);
  expect(wholeRequests(target).sort()).toEqual(['GET /behind', 'POST /chunked']);
});

test('F19 while a listener drains, the last of several requests in a row closes the connection, after its answer', async () => {
  const { path } = await start();
  for (const listener of path.listeners) listener.drain();
  const result = await sendRaw(path.port, BEHIND + BEHIND + BEHIND);
  expect(statuses(result)).toEqual([200, 200, 200]);
  expect(result.responses.map((response) => response.header('connection'))).toEqual([
    'keep-alive',
    'keep-alive',
    'close',
  ]);
  expect(result.ended).toBe('closed');
});

describe('what comes behind a whole request', () => {
  const POST = 'POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n';

  test.each([1, 1000])(
    'F20 in pieces of %i bytes: with a body it is answered, then the garbage',
    async (splitEvery) => {
      const { path, target } = await start();
      const result = await sendRaw(path.port, `${POST}\r\nhellogarbage\r\n\r\n`, { splitEvery });
      expect(statuses(result)).toEqual([200, 400]);
      expect(wholeRequests(target)).toEqual(['POST /first']);
    },
  );

  test('F21 behind Connection: close it is read, so that the answer does not end in a reset', async () => {
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(async (_, response) => {
      await go;
      response.end('done');
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const socket = connect(path.port, '127.0.0.1');
    let received = '';
    socket.on('error', () => socket.destroy());
    socket.pause();
    socket.write(`${POST}Connection: close\r\n\r\nhello${BEHIND}`);
    await waitFor(() => target.requests.length === 1, { what: 'the request' });
    resolve();
    await path.rest();
    for (let i = 0; i < 20 && socket.writable; i++) await new Promise((done) => socket.write('x', done));
    socket.end();
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.resume();
    await waitFor(() => socket.closed, { what: 'the end of the connection' });
    expect(received).toMatch(/^HTTP\/1\.1 200 .*done/s);
    expect(wholeRequests(target)).toEqual(['POST /first']);
  });
});

test('H15 F21 where the end of the connection ends the answer, what comes behind it is not served', async () => {
  const target = await startTarget((_, response) => void response.write('unknown length', () => response.end()));
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  const socket = connect({ port: path.port, host: '127.0.0.1', allowHalfOpen: true });
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  socket.on('end', () => socket.end(BEHIND));
  socket.write('GET /first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await waitFor(() => socket.closed, { what: 'the end of the connection' });
  expect(received).toMatch(/^HTTP\/1\.1 200 .*unknown length$/s);
  expect(wholeRequests(target)).toEqual(['GET /first']);
});

test('F17 RTSP is no HTTP', async () => {
  const { path, target } = await start();
  const result = await sendRaw(path.port, 'ANNOUNCE /music RTSP/1.0\r\nHost: a\r\n\r\n');
  expect(statuses(result)).toEqual([505]);
  expect(target.requests).toEqual([]);
});

test('F10 a caller that goes on sending behind what is no request gets to read why it was refused', async () => {
  const { path } = await start();
  const socket = connect(path.port, '127.0.0.1');
  let received = '';
  socket.on('error', () => socket.destroy());
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n');
  await waitFor(() => path.metric('outrider_rejected_total') === 1, { what: 'the refusal' });
  // A connection that is closed with bytes unread is reset, and the next write but one fails.
  for (let i = 0; i < 20 && socket.writable; i++) await new Promise((resolve) => socket.write('x', resolve));
  socket.end();
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  socket.resume();
  await waitFor(() => socket.closed, { what: 'the end of the connection' });
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
});

test.each(['h2c', 'H2C, websocket', 'foo, h2c', 'h2', 'HTTP/2.0', 'TLS/1.3'])(
  'H18 Upgrade: %s opens no tunnel: the request is served as it is, without the field',
  async (protocol) => {
    const { path, target } = await start();
    const bytes = `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: x\r\n\r\n`;
    expect(statuses(await sendRaw(path.port, bytes, { responses: 1 }))).toEqual([200]);
    expect(target.last().headers).not.toHaveProperty('upgrade');
    expect(target.last().headers).not.toHaveProperty('http2-settings');
  },
);

describe('H18 an upload that would like HTTP/2', () => {
  const UPGRADE = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
  const UPLOAD = `POST /upload HTTP/1.1\r\nHost: a\r\n${UPGRADE}`;
  const WITH_LENGTH = `${UPLOAD}Content-Length: 5\r\n\r\nhello`;
  const CHUNKS = `${UPLOAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;

  test('is served, and its connection kept', async () => {
    const { path, target } = await start();
    const socket = connect(path.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.write(WITH_LENGTH);
    await waitFor(() => received.startsWith('HTTP/1.1 200'), { what: 'the answer to the upload' });
    await path.rest();
    socket.write(BEHIND);
    await waitFor(() => received.split('HTTP/1.1 200').length === 3, { what: 'the answer to the next request' });
    socket.destroy();
    expect(wholeRequests(target)).toEqual(['POST /upload', 'GET /behind']);
    expect(String(target.requests[0]?.body)).toBe('hello');
  });

  test.each([
    ['with a length', WITH_LENGTH],
    ['in chunks', CHUNKS],
    ['without a body', `${UPLOAD}\r\n`],
  ])('%s is the last where something came behind it: half a request is not taken for none', async (_, upload) => {
    const { path, target } = await start();
    const socket = connect(path.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('error', () => socket.destroy());
    socket.write(`${upload}GET /a HTTP/1.1\r\nX: `);
    await waitFor(() => received.includes('\r\n\r\n'), { what: 'the answer to the upload' });
    if (socket.writable) socket.write(BEHIND);
    await waitFor(() => socket.closed, { what: 'the end of the connection' });
    expect(received).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
    expect(wholeRequests(target)).toEqual(['POST /upload']);
  });
});

test('F10 the parser is strict whatever NODE_OPTIONS says', async () => {
  const target = await startTarget();
  const outrider = await startOutrider({
    env: { NODE_OPTIONS: '--insecure-http-parser' },
    routes: { targets: { prod: target.url }, default: 'prod' },
  });
  const bytes = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
  expect(statuses(await sendRaw(outrider.port, 'GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n'))).toEqual([400]);
  expect(statuses(await sendRaw(outrider.port, bytes))).toEqual([400]);
  expect(target.requests).toEqual([]);
});

/** Large bodies, and sides that are slower than the other: what is buffered stays bounded, whatever passes through. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { startTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { waitFor } from '../helpers/wait.ts';

const MIB = 1024 * 1024;
const SIZE = 64 * MIB;
const PIECE = Buffer.alloc(MIB, 'outrider ');
/** What the kernel's socket buffers on both hops and Node's streams may hold; far below the body. */
const BOUND = 24 * MIB;

const hashOf = (pieces: number): string => {
  const hash = createHash('sha256');
  for (let i = 0; i < pieces; i++) hash.update(PIECE);
  return hash.digest('hex');
};

/** Drained, or gone. */
function moved(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

/** Writes as much as the other side takes. */
async function pour(socket: Socket, pieces: number, wrote: (bytes: number) => void): Promise<void> {
  for (let i = 0; i < pieces && !socket.destroyed; i++) {
    if (!socket.write(PIECE)) await moved(socket);
    wrote(PIECE.length);
  }
}

/** Waits until a number has stopped growing. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  await waitFor(
    () => {
      const now = read();
      const still = now === last && now > 0;
      last = now;
      return still;
    },
    { what: 'the bytes to stop', everyMs: 150 },
  );
  return last;
}

test('B15 an upload of 64 MiB waits for a target that does not read, and arrives whole when it does', async () => {
  const { promise: go, resolve: open } = Promise.withResolvers<void>();
  const hash = createHash('sha256');
  const target = await startTarget(
    async (_, response, request) => {
      await go;
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => response.end('ok'));
    },
    { early: true },
  );
  const path = await startPath({
    routes: { targets: { prod: target.url }, rules: [{ name: 'all', target: 'prod', capture: { when: ['none'] } }] },
  });
  const socket = connect(path.port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SIZE}\r\n\r\n`);
  let written = 0;
  const poured = pour(socket, SIZE / MIB, (bytes) => {
    written += bytes;
  });
  expect(await settled(() => written)).toBeLessThan(BOUND);
  expect(path.load().copyBytes).toBe(0);
  open();
  await poured;
  await waitFor(() => received.includes('200 OK'), { what: 'the answer' });
  expect(hash.digest('hex')).toBe(hashOf(SIZE / MIB));
  socket.destroy();
}, 30_000);

test('B15 an answer of 64 MiB waits for a caller that does not read, and arrives whole when it does', async () => {
  let written = 0;
  const target = await startTarget(async (_, response) => {
    response.setHeader('content-length', SIZE);
    for (let i = 0; i < SIZE / MIB && !response.destroyed; i++) {
      if (!response.write(PIECE)) await moved(response);
      written += PIECE.length;
    }
    response.end();
  });
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  const socket = connect(path.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  socket.pause();
  expect(await settled(() => written)).toBeLessThan(BOUND);
  const hash = createHash('sha256');
  let body = -1;
  socket.on('data', (chunk: Buffer) => {
    const at = body < 0 ? chunk.indexOf('\r\n\r\n') + 4 : 0;
    hash.update(chunk.subarray(at));
    body = Math.max(body, 0) + chunk.length - at;
  });
  socket.resume();
  await waitFor(() => body === SIZE, { what: 'all of the answer' });
  expect(hash.digest('hex')).toBe(hashOf(SIZE / MIB));
  socket.destroy();
}, 30_000);

test('L09 answers to pipelined requests that nobody reads are not piled up', async () => {
  const target = await startTarget((_, response) => void response.end(PIECE));
  const path = await startPath({ routes: { targets: { prod: target.url } } });
  const socket = connect(path.port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2000));
  await settled(() => target.requests.length);
  expect(target.requests.length).toBeLessThan(1000);
  socket.resetAndDestroy();
}, 30_000);

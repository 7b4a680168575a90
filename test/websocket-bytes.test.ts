/**
 * A real WebSocket client and a real server, with a tap on the wire on either side of Outrider: behind the heads the
 * bytes on both wires are the same, each way.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { cleanUp } from './helpers/cleanup.ts';
import { closeFrame, frame, OP } from './helpers/frames.ts';
import { startRawTarget } from './helpers/node-target.ts';
import { type RunningPath, startPath } from './helpers/path.ts';
import { portOf } from './helpers/ports.ts';
import { sendRaw } from './helpers/raw-client.ts';
import { half, pathTo, SWITCH, startEcho, UPGRADE } from './helpers/tunnel.ts';
import { waitFor } from './helpers/wait.ts';

const HANDSHAKE =
  'GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

interface Tap {
  readonly port: number;
  /** Of each connection, what passed each way. */
  readonly connections: { up: Buffer[]; down: Buffer[]; closed: boolean }[];
}

/** Passes bytes on and keeps a copy; half-closes as its sides do. */
async function startTap(port: number): Promise<Tap> {
  const connections: Tap['connections'] = [];
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const seen: Tap['connections'][number] = { up: [], down: [], closed: false };
    connections.push(seen);
    for (const [from, to, kept] of [
      [near, far, seen.up],
      [far, near, seen.down],
    ] as const) {
      sockets.push(from);
      from.on('data', (chunk: Buffer) => {
        kept.push(chunk);
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => from.resume());
      from.on('end', () => to.end());
      // `close` follows: what has come is passed on all the same.
      from.on('error', () => undefined);
      from.on('close', () => {
        seen.closed = true;
        to.destroySoon();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: portOf(server), connections };
}

/** What comes behind the head: the frames. */
function behindHead(chunks: readonly Buffer[]): Buffer {
  const all = Buffer.concat(chunks);
  const end = all.indexOf('\r\n\r\n');
  return end < 0 ? Buffer.alloc(0) : all.subarray(end + 4);
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const print = (bytes: Uint8Array = Buffer.alloc(0)): string => `${bytes.length} ${digest(bytes)}`;

/** caller → tap → Outrider → tap → echo server */
async function startTapped(): Promise<{ path: RunningPath; near: Tap; far: Tap }> {
  const echo = await startEcho();
  const far = await startTap(Number(new URL(echo.url).port));
  const path = await pathTo(`http://127.0.0.1:${far.port}`);
  return { path, near: await startTap(path.port), far };
}

/** The frames of the one connection are the same on both wires; returns how many bytes they were. */
async function expectSameBytes(near: Tap, far: Tap): Promise<{ up: number; down: number }> {
  await waitFor(() => near.connections[0]?.closed === true && far.connections[0]?.closed === true, {
    what: 'both wires to be closed',
  });
  expect([near.connections.length, far.connections.length]).toEqual([1, 1]);
  const [caller, target] = [near, far].map(({ connections: [one] }) => ({
    up: behindHead(one?.up ?? []),
    down: behindHead(one?.down ?? []),
  }));
  expect(print(target?.up)).toBe(print(caller?.up));
  expect(print(caller?.down)).toBe(print(target?.down));
  return { up: caller?.up.length ?? 0, down: caller?.down.length ?? 0 };
}

test.each([
  ['plain', false],
  ['compressed', true],
])(
  'W01 W05 a client’s messages, whole and in pieces, with pings between, are %s frames that nobody changes',
  async (_, perMessageDeflate) => {
    const { near, far } = await startTapped();
    const socket = new WebSocket(`ws://127.0.0.1:${near.port}/chat`, { perMessageDeflate });
    cleanUp(() => socket.terminate());
    await once(socket, 'open');
    const echoes: string[] = [];
    socket.on('message', (data: Buffer) => echoes.push(digest(data)));
    const sent: string[] = [];
    const send = (...pieces: Buffer[]): void => {
      for (const [index, piece] of pieces.entries()) {
        socket.send(piece, { binary: true, fin: index === pieces.length - 1 });
        // A control frame may stand between the pieces of a message (RFC 6455 section 5.4).
        if (index % 10 === 0) socket.ping(`p${index}`);
      }
      sent.push(digest(Buffer.concat(pieces)));
    };
    send(Buffer.alloc(0));
    for (const size of [1, 125, 126, 65_535, 65_536, 300_000]) send(randomBytes(size));
    send(randomBytes(10), Buffer.alloc(0), randomBytes(70_000), Buffer.alloc(200_000, 'zip'), randomBytes(1));
    send(...Array.from({ length: 200 }, (__, n) => randomBytes(n)));
    await waitFor(() => echoes.length === sent.length, { what: 'all echoes' });
    expect(echoes).toEqual(sent);
    socket.close(1000, 'done');
    const { up, down } = await expectSameBytes(near, far);
    expect(Math.min(up, down)).toBeGreaterThan(500_000);
  },
);

test('W04 W05 frames that come in one piece with the handshake are the same on both wires', async () => {
  const { near, far } = await startTapped();
  const frames = [
    frame(OP.text, 'early'),
    frame(OP.text, 'pie', { fin: false }),
    frame(OP.ping, 'between'),
    frame(OP.continuation, 'ces'),
    frame(OP.binary, randomBytes(200_000)),
    closeFrame(1000),
  ];
  const socket = connect({ port: near.port, host: '127.0.0.1', noDelay: true });
  cleanUp(() => void socket.destroy());
  socket.resume();
  socket.write(Buffer.concat([Buffer.from(HANDSHAKE), ...frames]));
  await once(socket, 'close');
  const { up, down } = await expectSameBytes(near, far);
  expect(up).toBe(Buffer.concat(frames).length);
  expect(down).toBeGreaterThan(200_000);
});

test('W06 a caller that closes its side behind 4 MiB is read to the last byte', async () => {
  const hash = createHash('sha256');
  const body = randomBytes(4 * 1024 * 1024);
  let isWhole = false;
  const target = await startRawTarget(async (connection) => {
    await connection.readHead();
    connection.socket.on('data', (chunk: Buffer) => hash.update(chunk));
    connection.socket.on('end', () => {
      isWhole = true;
    });
    await connection.send(SWITCH);
  });
  const path = await pathTo(target.url);
  const socket = connect({ port: path.port, host: '127.0.0.1', allowHalfOpen: true });
  cleanUp(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.write(UPGRADE);
  await waitFor(() => received.includes(' 101 '), { what: 'the switch' });
  socket.write(body);
  await half(socket);
  await waitFor(() => isWhole, { what: 'the end at the target' });
  expect(hash.digest('hex')).toBe(digest(body));
  await path.rest();
});

test.each([
  ['a length', (body: Buffer) => Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body])],
  [
    'chunks',
    (body: Buffer) =>
      Buffer.concat([
        Buffer.from(`Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`),
        body,
        Buffer.from('\r\n0\r\n\r\n'),
      ]),
  ],
  ['the end of the connection', (body: Buffer) => Buffer.concat([Buffer.from('\r\n'), body])],
])(
  'W02 the body of a refusal, told by %s, reaches the caller as it was, however much was sent early',
  async (_, framed) => {
    const body = randomBytes(300_000);
    const target = await startRawTarget(async (connection) => {
      await connection.readHead();
      await connection.send(Buffer.concat([Buffer.from('HTTP/1.1 403 No\r\nUpgrade: echo\r\n'), framed(body)]));
      connection.close();
    });
    const path = await startPath({ routes: { targets: { prod: target.url } } });
    const early = `GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n${'x'.repeat(50_000)}`;
    const { responses, ended } = await sendRaw(path.port, UPGRADE + early);
    expect(responses.map(({ status, body: got }) => `${status} ${print(got)}`)).toEqual([`403 ${print(body)}`]);
    expect(ended).toBe('closed');
    expect(target.connections.map((one) => String(one.received())).join('')).not.toContain('smuggled');
  },
);

test('W09 at the end of a drain both sides see the end, with every byte before it', async () => {
  const { path, near, far } = await startTapped();
  const socket = new WebSocket(`ws://127.0.0.1:${near.port}/chat`);
  cleanUp(() => socket.terminate());
  await once(socket, 'open');
  path.tunnels.drain();
  const message = randomBytes(100_000);
  const echoed = once(socket, 'message');
  socket.send(message);
  const [data] = await echoed;
  expect(digest(Buffer.from(data))).toBe(digest(message));
  path.tunnels.destroy();
  await once(socket, 'close');
  await expectSameBytes(near, far);
});

/** Callers and targets of upgrades. */
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { cleanUp } from './cleanup.ts';
import { type RawConnection, startRawTarget } from './node-target.ts';
import { type PathOptions, type RunningPath, startPath } from './path.ts';
import { portOf } from './ports.ts';

export const UPGRADE =
  'GET /chat?room=1 HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-One: 1\r\n\r\n';
export const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

export interface EchoServer {
  readonly url: string;
  readonly heads: { uri: string; headers: Record<string, unknown> }[];
  readonly sockets: WebSocket[];
}

/** Sends every message back as it came. */
export async function startEcho(): Promise<EchoServer> {
  const server: Server = createServer();
  const sockets: WebSocket[] = [];
  const heads: EchoServer['heads'] = [];
  const webSockets = new WebSocketServer({ server, handleProtocols: (protocols) => [...protocols][0] ?? false });
  webSockets.on('connection', (socket, request) => {
    heads.push({ uri: request.url ?? '', headers: request.headers });
    sockets.push(socket);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', () => socket.terminate());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    for (const socket of sockets) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${portOf(server)}`, heads, sockets };
}

export const pathTo = (url: string, options: Partial<PathOptions> = {}): Promise<RunningPath> =>
  startPath({ routes: { targets: { prod: url } }, ...options });

export async function openSocket(path: RunningPath, protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${path.port}/chat?room=1`, protocols, { headers: { 'x-one': '1' } });
  cleanUp(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

/** A target that switches and then does this. */
export const startSwitching = (then: (connection: RawConnection) => void | Promise<void>) =>
  startRawTarget(async (connection) => {
    await connection.readHead();
    await connection.send(SWITCH);
    await then(connection);
  });

export function call(
  path: RunningPath,
  bytes = UPGRADE,
): { socket: Socket; received: () => string; ended: () => boolean } {
  const socket = connect({ port: path.port, host: '127.0.0.1', allowHalfOpen: true });
  cleanUp(() => void socket.destroy());
  let received = '';
  let ended = false;
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => socket.destroy());
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      ended = true;
    });
  }
  socket.write(bytes, 'latin1');
  return { socket, received: () => received, ended: () => ended };
}

export const half = (stream: Duplex): Promise<void> => new Promise((resolve) => stream.end(resolve));

/** Targets that do what targets do when they are not well, and one that is. They remember nothing: a run is long. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { cleanUp } from '../helpers/cleanup.ts';
import { closedPort, portOf } from '../helpers/ports.ts';
import type { Kind } from './requests.ts';

/** Called when the head of a request is there, and again when its body is. */
type Script = (socket: Socket, at: 'head' | 'end') => void;

const SLOW_MS = 40;

const answer = (status: string, body: string, length = body.length): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`;

let answers = 0;

const SCRIPTS: Readonly<Partial<Record<Kind, Script>>> = {
  // Every third before it has read the request.
  status: (socket, at) => {
    if (at === 'head' && ++answers % 3 !== 0) return;
    if (socket.writable) socket.end(answer('503 Service Unavailable', 'not now'));
  },
  reset: (socket) => void socket.resetAndDestroy(),
  cut: (socket, at) => {
    if (at === 'end') socket.end(answer('200 OK', 'the beginning of an answer', 5_000));
  },
  hang: () => undefined,
  garbage: (socket) => void socket.end('220 smtp.example.com ready\r\n\r\n'),
};

/** URL by the name that the requests' `To` field has. */
export async function startTargets(): Promise<Readonly<Record<string, string>>> {
  const urls: Record<string, string> = {
    healthy: await listen(createServer((request, response) => answerWell(request, response, 0))),
    slow: await listen(createServer((request, response) => answerWell(request, response, SLOW_MS))),
    accept: await listen(createTcpServer((socket) => socket.destroy())),
    refuse: `http://127.0.0.1:${await closedPort()}`,
  };
  for (const [kind, script] of Object.entries(SCRIPTS)) {
    urls[kind] = await listen(createTcpServer((socket) => follow(socket, script)));
  }
  return urls;
}

function answerWell(request: IncomingMessage, response: ServerResponse, afterMs: number): void {
  request.resume();
  request.on('end', () => {
    if (afterMs === 0) response.end('well');
    else setTimeout(() => response.end('well, in the end'), afterMs);
  });
}

function follow(socket: Socket, script: Script): void {
  let head = '';
  let left = Number.NaN;
  // Resets are what is expected here.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (Number.isNaN(left)) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      left = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0) - (head.length - end - 4);
      script(socket, 'head');
    } else left -= chunk.length;
    if (left === 0) script(socket, 'end');
  });
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanUp(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return `http://127.0.0.1:${portOf(server)}`;
}

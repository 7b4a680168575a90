/** A TCP proxy that does to one direction what Toxiproxy's toxics do. */
import { connect, createServer, type Socket } from 'node:net';
import { cleanUp } from './cleanup.ts';
import { portOf } from './ports.ts';

export const TOXICS = [
  'latency',
  'down',
  'bandwidth',
  'slow_close',
  'timeout',
  'reset_peer',
  'slicer',
  'limit_data',
] as const;
/** Beyond Toxiproxy's: what lost and reordered packets look like above TCP, which is stalls and bursts. */
export type Toxic = (typeof TOXICS)[number] | 'loss';
/** `up`: what the caller sends; `down`: what comes back. */
export type Direction = 'up' | 'down';

/** Milliseconds and bytes: small, so that a thousand requests take seconds. */
const LATENCY = [2, 12] as const;
const CLOSE_AFTER_MS = 20;
const RESET_AFTER_MS = 3;
const LIMIT_BYTES = 100;
/** Every twentieth piece is lost once and sent again. */
const LOST_EACH = 20;
const RESEND_MS = 200;
const SLICE_BYTES = 7;

/** Starts it before a port of this machine; it is stopped with the test. */
export async function startToxicProxy(port: number, toxic: Toxic, direction: Direction): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (caller) => {
    if (toxic === 'down') return void caller.destroy();
    const target = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    for (const socket of [caller, target]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    pass(caller, target, direction === 'up' ? toxic : null);
    pass(target, caller, direction === 'down' ? toxic : null);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${portOf(server)}`;
}

function pass(from: Socket, to: Socket, toxic: Toxic | null): void {
  const end = (): void => void to.end();
  const both = (cut: (socket: Socket) => void): void => {
    for (const socket of [from, to]) cut(socket);
  };
  let left = LIMIT_BYTES;
  let pieces = Math.floor(Math.random() * LOST_EACH);
  // One after the other: what is late does not overtake what is not.
  let last = Promise.resolve();
  const later = (ms: number, what: () => void): void => {
    last = last.then(() => new Promise((resolve) => setTimeout(resolve, ms))).then(what);
  };
  from.on('close', () => (inTurn(toxic) ? later(0, () => to.destroySoon()) : to.destroySoon()));
  from.on('end', () => (inTurn(toxic) ? later(toxic === 'slow_close' ? CLOSE_AFTER_MS : 0, end) : end()));
  from.on('data', (chunk: Buffer) => {
    switch (toxic) {
      case 'latency':
        return later(LATENCY[chunk.length % 2] ?? 0, () => void to.write(chunk));
      case 'loss':
        pieces += 1;
        return later(pieces % LOST_EACH === 0 ? RESEND_MS : 0, () => void to.write(chunk));
      case 'bandwidth':
      case 'slicer':
        for (let at = 0; at < chunk.length; at += toxic === 'slicer' ? SLICE_BYTES : LIMIT_BYTES) {
          const slice = chunk.subarray(at, at + (toxic === 'slicer' ? SLICE_BYTES : LIMIT_BYTES));
          later(toxic === 'slicer' ? 0 : 1, () => void to.write(slice));
        }
        return;
      case 'timeout':
        return later(CLOSE_AFTER_MS, () => both((socket) => void socket.destroy()));
      case 'reset_peer':
        return later(RESET_AFTER_MS, () => both((socket) => void socket.resetAndDestroy()));
      case 'limit_data':
        to.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) both((socket) => void socket.destroySoon());
        return;
      default:
        to.write(chunk);
    }
  });
}

/** Its end comes after what is still on its way. */
function inTurn(toxic: Toxic | null): boolean {
  return ['latency', 'slow_close', 'slicer', 'bandwidth', 'loss'].includes(toxic ?? '');
}

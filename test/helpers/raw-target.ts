/** A target that speaks bytes, for everything a correct HTTP server would never do. */
import { createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { cleanUp } from './cleanup.ts';
import { portOf } from './ports.ts';

export interface RawConnection {
  readonly socket: Socket;
  /** 0 for the first connection. */
  readonly index: number;
  /** Every byte that came in on this connection. */
  received(): Buffer;
  /** Waits for the blank line after a head; returns the head (latin1). The next call waits for the next head. */
  readHead(): Promise<string>;
  /** Waits until this many bytes have come in after the last head that was read; returns them. */
  readBody(bytes: number): Promise<Buffer>;
  send(bytes: string | Uint8Array): Promise<void>;
  /** One piece of `size` bytes each `everyMs`. */
  trickle(bytes: string | Uint8Array, size: number, everyMs: number): Promise<void>;
  /** RST instead of FIN. */
  reset(): void;
  /** FIN. */
  close(): void;
}

export interface RawTarget {
  readonly url: string;
  readonly port: number;
  readonly connections: RawConnection[];
  stop(): Promise<void>;
}

/**
 * Starts a TCP server on a free port of 127.0.0.1 that runs the script once for each connection; a connection is
 * left open when its script ends (a script that does nothing hangs). It is stopped with the test.
 */
export async function startRawTarget(
  script: (connection: RawConnection) => void | Promise<void>,
  { shared = false } = {},
): Promise<RawTarget> {
  const connections: RawConnection[] = [];
  const server = createServer({ allowHalfOpen: false, noDelay: true }, (socket) => {
    const connection = rawConnection(socket, connections.length);
    connections.push(connection);
    // A script whose connection goes away under it has nothing left to do.
    Promise.resolve(script(connection)).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server);
  const stop = async (): Promise<void> => {
    for (const { socket } of connections) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  cleanUp(stop, { shared });
  return { url: `http://127.0.0.1:${port}`, port, connections, stop };
}

function rawConnection(socket: Socket, index: number): RawConnection {
  let received = Buffer.alloc(0);
  let headsEnd = 0;
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  // Resets are expected here: what is tested is the other side.
  socket.on('error', () => socket.destroy());
  const until = (what: string, fact: () => boolean): Promise<void> => untilReceived(socket, what, fact);
  const send = (bytes: string | Uint8Array): Promise<void> => write(socket, bytes);
  return {
    socket,
    index,
    received: () => received,
    readHead: async () => {
      await until('a head at the raw target', () => received.indexOf('\r\n\r\n', headsEnd) >= 0);
      const from = headsEnd;
      headsEnd = received.indexOf('\r\n\r\n', from) + 4;
      return received.toString('latin1', from, headsEnd);
    },
    readBody: async (bytes) => {
      await until(`${bytes} bytes of body at the raw target`, () => received.length >= headsEnd + bytes);
      headsEnd += bytes;
      return received.subarray(headsEnd - bytes, headsEnd);
    },
    send,
    trickle: async (bytes, size, everyMs) => {
      const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
      for (let at = 0; at < all.length; at += size) {
        await send(all.subarray(at, at + size));
        await pause(everyMs);
      }
    },
    reset: () => void socket.resetAndDestroy(),
    close: () => void socket.end(),
  };
}

/** Asks again at every chunk; rejects when the connection closes first. */
function untilReceived(socket: Socket, what: string, fact: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      socket.off('data', check).off('close', check);
      settle();
    };
    const check = (): void => {
      if (fact()) finish(resolve);
      else if (socket.destroyed) finish(() => reject(new Error(`the connection closed before ${what}`)));
    };
    socket.on('data', check).on('close', check);
    check();
  });
}

function write(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  return new Promise((resolve, reject) => {
    socket.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

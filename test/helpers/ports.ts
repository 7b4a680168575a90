/** Ports that nobody listens on, and a way to keep one busy. */
import { createServer, type Server } from 'node:net';

/** Below what Linux hands out by itself (ip_local_port_range): no connection and no listener of others gets it by chance. */
const FIRST = 12_000;
const LAST = 32_000;

/** A port that was free a moment ago: for targets that must refuse, or that start later. */
export async function closedPort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    try {
      await (await occupyPort(port)).release();
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

/** Listens on a port (any free one by default) on both loopback families until it is released. */
export async function occupyPort(port = 0): Promise<{ port: number; release(): Promise<void> }> {
  const first = await listen(port, '127.0.0.1');
  const bound = portOf(first);
  const servers = [first];
  // Where there is no IPv6 loopback, one family is all there is.
  await listen(bound, '::1').then(
    (server) => servers.push(server),
    () => undefined,
  );
  return { port: bound, release: async () => void (await Promise.all(servers.map(close))) };
}

/** The port that a listening server got. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server is not listening on a port');
  return address.port;
}

function listen(port: number, host: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

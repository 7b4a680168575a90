/** Small HTTP servers for people and probes: bound means listening, a busy port is told with its key. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorCode } from './error-text.ts';

export type { RequestListener };

export interface Listening {
  readonly port: number;
  /** Addresses in use, `127.0.0.1:5091`, `[::1]:5091`. */
  readonly addresses: readonly string[];
  /** Stops accepting, gives answers under way a second, then closes every connection. Repeatable. */
  close(): Promise<void>;
}

/** An address that can't be listened on. The message names port and key and says what to do. */
export class ListenError extends Error {
  /** `metrics.address`, `admin.address`. */
  readonly key: string;
  readonly code: string;
  constructor(key: string, address: string, cause: unknown) {
    const code = errorCode(cause);
    super(listenMessage(key, address, code), { cause });
    this.name = 'ListenError';
    this.key = key;
    this.code = code;
  }
}

const CLOSE_GRACE_MS = 1_000;
/** A scrape or a probe sends little; a port open to the pod's network must not cost memory. */
const MAX_CONNECTIONS = 128;
const HEAD_TIMEOUT_MS = 10_000;
/** The kernel has no such family, or the address isn't on this machine: fine for the second of two families. */
const FAMILY_MISSING = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT']);

/**
 * Serves `handler` on `address` (`host:port`, `[v6]:port`; `localhost` is 127.0.0.1 and, where there is one, ::1; `*`
 * every address of both families; port 0 any free one). Throws ListenError.
 */
export async function listenHttp(handler: RequestListener, address: string, key: string): Promise<Listening> {
  const { host, port } = parseAddress(address);
  const servers: Server[] = [];
  try {
    for (const one of hostsOf(host)) {
      const known = servers[0];
      const server = await bind(handler, one, known === undefined ? port : boundTo(known).port);
      if (server !== null) servers.push(server);
    }
    if (servers.length === 0) throw new Error('no address family is available');
  } catch (error) {
    await Promise.all(servers.map(closeServer));
    throw new ListenError(key, address, error);
  }
  return listening(servers);
}

/** Host and port of an address setting. Throws RangeError when it is none. */
export function parseAddress(address: string): { host: string; port: number } {
  const found = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(address);
  const port = Number(found?.[3]);
  const host = found?.[1] ?? found?.[2];
  if (host === undefined || port > 65_535) throw new RangeError(`"${address}" is no host:port`);
  return { host, port };
}

function listening(servers: readonly Server[]): Listening {
  const bound = servers.map(boundTo);
  let closed: Promise<unknown> | null = null;
  return {
    port: bound[0]?.port ?? 0,
    addresses: bound.map(({ address, family, port }) =>
      family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    ),
    async close() {
      closed ??= Promise.all(servers.map(closeServer));
      await closed;
    },
  };
}

interface Place {
  readonly host: string;
  /** The other family serves without it. */
  readonly optional: boolean;
}

function hostsOf(host: string): readonly Place[] {
  if (host === 'localhost')
    return [
      { host: '127.0.0.1', optional: true },
      { host: '::1', optional: true },
    ];
  // "::" takes IPv4 too (IPV6_V6ONLY is off); with IPv6 switched off there is only 0.0.0.0.
  if (host === '*') return [{ host: '::', optional: true }];
  return [{ host, optional: false }];
}

async function bind(handler: RequestListener, { host, optional }: Place, port: number): Promise<Server | null> {
  const server = createServer({ headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: HEAD_TIMEOUT_MS }, handler);
  limitConnections(server);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return server;
  } catch (error) {
    if (!optional || !FAMILY_MISSING.has(errorCode(error))) throw error;
    return host === '::' ? bind(handler, { host: '0.0.0.0', optional: false }, port) : null;
  }
}

/**
 * The oldest makes room for a new one: whoever holds as many as there may be must not keep a probe out, for the kubelet
 * would end the pod.
 */
function limitConnections(server: Server): void {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    const [oldest] = open;
    if (open.size > MAX_CONNECTIONS) oldest?.destroy();
  });
}

function boundTo(server: Server): AddressInfo {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server is not listening on a port');
  return bound;
}

async function closeServer(server: Server): Promise<void> {
  const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await new Promise((resolve) => server.close(resolve));
  clearTimeout(grace);
}

function listenMessage(key: string, address: string, code: string): string {
  const port = address.slice(address.lastIndexOf(':') + 1);
  if (code === 'EADDRINUSE') return `port ${port} is busy: free it, or set ${key} (now ${address}) to another`;
  if (code === 'EACCES') return `port ${port} needs rights that this process lacks: set ${key} (now ${address})`;
  return `cannot listen on ${address} (${code || 'no address'}): set ${key} to an address of this machine`;
}

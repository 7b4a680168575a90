/** The servers behind the demo, and a look at the ports it is about to take. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';

/** How long the broken target takes to refuse: long enough to see that somebody waits. */
const BROKEN_DELAY_MS = 300;

/** In the order of their ports. */
export const DEMO_TARGETS = ['dev', 'qa', 'prod', 'broken'] as const;

export interface DemoTargets {
  /** In the order of DEMO_TARGETS. */
  readonly ports: readonly number[];
  /** Ends open connections; may be called again. */
  stop(): Promise<void>;
}

/** What an echoing target answers, as JSON. */
export interface Echo {
  readonly target: string;
  readonly method: string;
  readonly uri: string;
  /** In the case of the wire; a name that came more than once has a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly bodyBytes: number;
}

/**
 * Starts dev, qa and prod, which answer with what they received, and broken, which answers 503 after a while, or
 * resets the connection for paths that start with `/reset`. Resolves when all listen on 127.0.0.1.
 *
 * @param firstPort the four take it and the three after it; 0: any free ones
 */
export async function startDemoTargets(firstPort: number): Promise<DemoTargets> {
  const servers = DEMO_TARGETS.map((name) => createServer(name === 'broken' ? answerBroken : echoAs(name)));
  const stop = async () => void (await Promise.all(servers.map(closeServer)));
  try {
    const ports = await Promise.all(servers.map((server, at) => listen(server, firstPort === 0 ? 0 : firstPort + at)));
    return { ports, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Whether somebody may listen on this port of both loopback addresses now: else the system's error code. */
export async function probePort(port: number): Promise<'free' | string> {
  for (const host of ['127.0.0.1', '::1']) {
    const code = await probeAddress(port, host);
    // A machine without IPv6 has no ::1 to be busy.
    if (code !== 'free' && code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT') return code;
  }
  return 'free';
}

function probeAddress(port: number, host: string): Promise<string> {
  const server = createTcpServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve('free')));
  });
}

function echoAs(target: string) {
  return async function answerWithEcho(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bodyBytes = await countBytes(request);
    if (bodyBytes === undefined) return;
    const { method = '', url: uri = '' } = request;
    const echo: Echo = { target, method, uri, headers: foldHeaders(request.rawHeaders), bodyBytes };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(echo, null, 2)}\n`);
  };
}

async function answerBroken(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if ((await countBytes(request)) === undefined) return;
  if (request.url?.startsWith('/reset')) {
    request.socket.resetAndDestroy();
    return;
  }
  setTimeout(() => {
    response.writeHead(503, { 'content-type': 'text/plain' });
    response.end('this target is always broken\n');
  }, BROKEN_DELAY_MS);
}

/** undefined when the sender went away: there is nobody to answer. */
async function countBytes(request: IncomingMessage): Promise<number | undefined> {
  let bytes = 0;
  try {
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    return bytes;
  } catch {
    return undefined;
  }
}

function foldHeaders(raw: readonly string[]): Record<string, string | string[]> {
  const folded: Record<string, string | string[]> = {};
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]];
    const before = folded[name];
    folded[name] = before === undefined ? value : [before, value].flat();
  }
  return folded;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

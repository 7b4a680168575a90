/** Targets: real HTTP servers that record what reaches them. For targets that lie, see raw-target.ts. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { cleanUp } from './cleanup.ts';
import { portOf } from './ports.ts';

export { type RawConnection, type RawTarget, startRawTarget } from './raw-target.ts';

/** One request as the target got it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly uri: string;
  readonly httpVersion: string;
  /** Name, value, name, value … as on the wire. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  /** What has arrived so far; complete when `complete` is true. */
  body: Buffer;
  complete: boolean;
  /** The other side left, or was cut off, before the whole answer was out. */
  aborted: boolean;
  readonly remotePort: number;
}

export type TargetHandler = (
  received: ReceivedRequest,
  response: ServerResponse,
  request: IncomingMessage,
) => void | Promise<void>;

export interface TargetOptions {
  readonly port?: number;
  readonly host?: string;
  readonly tls?: ServerOptions;
  /** true: the handler runs at the head and reads the body itself (or leaves it). */
  readonly early?: boolean;
  /** Lives until the end of the file. */
  readonly shared?: boolean;
}

export interface Target {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  readonly requests: ReceivedRequest[];
  /** The latest request. @throws when there was none. */
  last(): ReceivedRequest;
  /** Connections accepted since the start. */
  accepted(): number;
  /** Stops listening and closes every connection; may be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a target on a free port of 127.0.0.1; it is stopped with the test. Without a handler it answers 200 with
 * what it received as JSON: `{method, uri, headers, rawHeaders, body}`.
 */
export async function startTarget(handler: TargetHandler = echo, options: TargetOptions = {}): Promise<Target> {
  const requests: ReceivedRequest[] = [];
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const received = receive(request);
    requests.push(received);
    const handle = (): void =>
      void Promise.resolve(handler(received, response, request)).catch((e) => response.destroy(e));
    response.on('close', () => {
      received.aborted = !response.writableFinished;
    });
    if (options.early === true) {
      handle();
      return;
    }
    request.on('data', (chunk: Buffer) => {
      received.body = Buffer.concat([received.body, chunk]);
    });
    request.on('end', handle);
  };
  const server = options.tls === undefined ? createServer(onRequest) : createTlsServer(options.tls, onRequest);
  server.keepAliveTimeout = 60_000;
  let accepted = 0;
  server.on('connection', () => {
    accepted += 1;
  });
  await listen(server, options);
  const port = portOf(server);
  const target: Target = {
    url: `${options.tls === undefined ? 'http' : 'https'}://${options.host ?? '127.0.0.1'}:${port}`,
    port,
    server,
    requests,
    last: () => latest(requests),
    accepted: () => accepted,
    stop: () => stop(server),
  };
  cleanUp(target.stop, { shared: options.shared ?? false });
  return target;
}

/** The default handler. */
export const echo: TargetHandler = (received, response) => {
  const { method, uri, headers, rawHeaders } = received;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ method, uri, headers, rawHeaders, body: received.body.toString('latin1') }));
};

/** A handler that always answers with this status and text. */
export function answering(status: number, body = '', headers: Record<string, string> = {}): TargetHandler {
  return (_received, response) => void response.writeHead(status, headers).end(body);
}

function receive(request: IncomingMessage): ReceivedRequest {
  const received: ReceivedRequest = {
    method: request.method ?? '',
    uri: request.url ?? '',
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
    headers: request.headers,
    body: Buffer.alloc(0),
    complete: false,
    aborted: false,
    remotePort: request.socket.remotePort ?? 0,
  };
  request.on('end', () => {
    received.complete = true;
  });
  return received;
}

function latest(requests: readonly ReceivedRequest[]): ReceivedRequest {
  const request = requests.at(-1);
  if (request === undefined) throw new Error('no request has reached the target');
  return request;
}

function listen(server: Server, { port = 0, host = '127.0.0.1' }: TargetOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function stop(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

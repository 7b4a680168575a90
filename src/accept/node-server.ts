/** A listener: binds, hands each request that HTTP allows to the path, and drains. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { problem, rawAnswer } from './answer.ts';
import type { Gate } from './auth.ts';
import { type GuardLimits, type InspectedHead, inspectHead, isRefusal, type Refusal } from './guard.ts';
import { isMissingFamily, listen } from './node-bind.ts';
import { Caller } from './node-caller.ts';
import { type ClientError, isLineTooLong, refusalOf } from './node-client-error.ts';
import { Connection, type ConnectionOwner } from './node-connection.ts';
import { answerRefusal, refusalAnswer } from './node-refusal.ts';
import { Seats } from './node-seats.ts';
import { isUnproven, type TlsTexts, tlsOptions, UNPROVEN } from './node-tls.ts';
import { tolerateOn } from './node-tolerant-socket.ts';
import { upgradeProblem, wantsTunnel } from './node-upgrade.ts';
import type { Tolerance } from './tolerate.ts';

export interface ListenerOptions {
  readonly name: string;
  /** Hosts to bind, each with the same port; see `bindHosts`. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** PEM texts; null: plain HTTP. */
  readonly tls: TlsTexts | null;
  readonly keepAliveMs: number;
  readonly headTimeoutMs: number;
  readonly bodyIdleMs: number;
  readonly writeIdleMs: number;
  readonly headerBytes: number;
  readonly connections: number;
  /** What of a request's head is repaired before it is read; empty: nothing. As long as the listener lives. */
  readonly tolerate: readonly Tolerance[];
  readonly guard: Omit<GuardLimits, 'headerBytes'>;
  /** Who may come in; null: everybody. */
  readonly gate: Gate | null;
}

/** A request that asks for another protocol on its connection (RFC 9110 section 7.8). */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly early: Buffer;
  readonly inspected: InspectedHead;
  readonly listener: string;
  readonly scheme: 'http' | 'https';
}

export interface ListenerEvents {
  request(caller: Caller): void;
  upgrade(upgrade: UpgradeRequest): void;
  /** A request that went no further; `excerpt`: its first bytes as far as they are known (latin1). */
  refused(refusal: Refusal, listener: string, remoteAddress: string, excerpt: string): void;
  /** Something in a request's head was repaired. */
  tolerated(kind: Tolerance): void;
}

export interface Listener {
  readonly name: string;
  /** Bound addresses, `127.0.0.1:5000`. */
  readonly addresses: readonly string[];
  readonly inFlight: number;
  /** Answers carry `Connection: close` from now on; new requests are still served. */
  drain(): void;
  /** Stops accepting, cuts idle connections, resolves when all are closed. */
  close(): Promise<void>;
  /** Cuts every connection. */
  destroy(): void;
  /** Limits, timeouts and certificates from now on; name, addresses and gate stay. */
  update(options: Omit<ListenerOptions, 'gate'>): void;
}

/**
 * Binds a listener on all its hosts. Throws Node's error (EADDRINUSE …) when one that must be bound can't be.
 *
 * @param seats of all listeners
 */
export async function startListener(
  options: ListenerOptions,
  events: ListenerEvents,
  seats = new Seats(),
): Promise<Listener> {
  const listener = new NodeListener(options, events, seats);
  await listener.bind();
  return listener;
}

class NodeListener implements Listener, ConnectionOwner {
  readonly name: string;
  readonly addresses: string[] = [];
  closing = false;
  inFlight = 0;
  private readonly servers: Server[] = [];
  private options: ListenerOptions;
  private guard: GuardLimits;
  private readonly events: ListenerEvents;
  private readonly seats: Seats;

  constructor(options: ListenerOptions, events: ListenerEvents, seats: Seats) {
    this.name = options.name;
    this.options = options;
    this.guard = guardOf(options);
    this.events = events;
    this.seats = seats;
    seats.limit = options.connections;
  }

  async bind(): Promise<void> {
    let { port } = this.options;
    for (const [index, host] of this.options.hosts.entries()) {
      const server = this.createServer();
      try {
        await listen(server, host, port);
      } catch (error) {
        // ::1 beside 127.0.0.1 is a convenience that a kernel without IPv6 may refuse.
        if (index > 0 && isMissingFamily(error)) continue;
        this.destroy();
        throw error;
      }
      this.servers.push(server);
      const bound = server.address() as AddressInfo;
      port = bound.port;
      this.addresses.push(bound.family === 'IPv6' ? `[${bound.address}]:${port}` : `${bound.address}:${port}`);
    }
  }

  drain(): void {
    this.closing = true;
    this.seats.turns.end();
  }

  async close(): Promise<void> {
    this.drain();
    const closed = this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.servers) server.closeIdleConnections();
    await Promise.all(closed);
  }

  destroy(): void {
    for (const server of this.servers) server.close().closeAllConnections();
  }

  update(options: Omit<ListenerOptions, 'gate'>): void {
    this.options = { ...options, gate: this.options.gate };
    this.guard = guardOf(options);
    this.seats.limit = options.connections;
    for (const server of this.servers) {
      server.headersTimeout = options.headTimeoutMs;
      server.keepAliveTimeout = options.keepAliveMs;
      if (options.tls !== null && 'setSecureContext' in server && typeof server.setSecureContext === 'function') {
        server.setSecureContext(tlsOptions(options.tls));
      }
    }
  }

  finished(): void {
    this.inFlight -= 1;
  }

  rested(socket: Socket): void {
    if (!this.closing) this.seats.turns.rested(socket);
  }

  private createServer(): Server {
    const { options } = this;
    const common = {
      maxHeaderSize: options.headerBytes + options.guard.requestLine,
      headersTimeout: options.headTimeoutMs,
      requestTimeout: 0,
      keepAliveTimeout: options.keepAliveMs,
      connectionsCheckingInterval: Math.min(1000, Math.max(50, options.headTimeoutMs / 4)),
      requireHostHeader: false,
      // Whatever NODE_OPTIONS says: a lenient parser believes what the one behind it may read differently.
      insecureHTTPParser: false,
      noDelay: true,
      shouldUpgradeCallback: wantsTunnel,
    };
    const server: Server =
      options.tls === null ? createHttpServer(common) : createHttpsServer({ ...common, ...tlsOptions(options.tls) });
    // Node drops header lines beyond this count silently; the guard counts them instead.
    server.maxHeadersCount = 0;
    const { seats } = this;
    // Asked before each connection is taken: Node itself only counts those of one server.
    Object.defineProperty(server, 'maxConnections', { get: () => (seats.hasRoom ? Number.MAX_SAFE_INTEGER : 0) });
    server.prependListener('connection', (socket: Socket) => seats.take(socket));
    server.on(options.tls === null ? 'connection' : 'secureConnection', (socket: Socket) => seats.watch(socket));
    server.timeout = 0;
    // A caller that has sent FIN may still want its answer; Connection decides when it is gone.
    if ('httpAllowHalfOpen' in server) server.httpAllowHalfOpen = true;
    // Set only while a caller does not read its answer (see Caller.write) and between requests.
    tolerateOn(server, options.tolerate, common.maxHeaderSize, (kind) => this.events.tolerated(kind));
    server.on('timeout', (socket) => socket.destroy());
    server.on('request', (request, response) => this.serve(request, response));
    server.on('checkContinue', (request, response) => this.serve(request, response));
    server.on('checkExpectation', (request, response) => this.serve(request, response));
    server.on('upgrade', (request, socket, early) => this.upgrade(request, socket, early));
    server.on('connect', (request) => this.refuseSocket(this.inspectConnect(request), request));
    server.on('clientError', (error: ClientError, socket) => this.clientError(error, socket));
    server.on('drop', (data) => {
      const refusal: Refusal = { status: 503, kind: 'connections', detail: seats.problem };
      this.events.refused(refusal, this.name, data?.remoteAddress ?? '', '');
    });
    return server;
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const connection = Connection.of(request.socket, this);
    // Behind a refusal on the same connection: it goes away with it.
    if (!connection.isOpen) return;
    const inspected = this.inspect(request);
    if (isRefusal(inspected)) {
      connection.ended = true;
      this.refuse(inspected, request, response);
      return;
    }
    this.inFlight += 1;
    const { bodyIdleMs, writeIdleMs, guard } = this.options;
    const limits = { idleMs: bodyIdleMs, maxBytes: guard.body, writeIdleMs };
    const caller = new Caller(request, response, inspected, this.origin(), limits, connection);
    connection.add(caller);
    this.events.request(caller);
  }

  private origin(): { listener: string; scheme: 'http' | 'https' } {
    return { listener: this.name, scheme: this.options.tls === null ? 'http' : 'https' };
  }

  /** Framing first: only of a message that is whole is it known which bytes are its head. */
  private inspect(request: IncomingMessage): Refusal | InspectedHead {
    const { method = '', url: target = '', httpVersion, rawHeaders } = request;
    const inspected = inspectHead({ method, target, httpVersion, rawHeaders }, this.guard);
    const { gate } = this.options;
    if (gate === null || isRefusal(inspected)) return inspected;
    return gate.refuse(rawHeaders, request.socket.remoteAddress ?? '') ?? inspected;
  }

  private inspectConnect(request: IncomingMessage): Refusal {
    const inspected = this.inspect(request);
    return isRefusal(inspected) ? inspected : { status: 501, kind: 'connect', detail: 'CONNECT is not offered.' };
  }

  private upgrade(request: IncomingMessage, socket: Duplex, early: Buffer): void {
    const connection = Connection.of(request.socket, this);
    if (!connection.isOpen) return;
    const inspected = this.inspect(request);
    const refusal = isRefusal(inspected) ? inspected : upgradeProblem(inspected, connection.isBusy);
    if (refusal !== null) this.refuseSocket(refusal, request);
    else if (!isRefusal(inspected)) {
      connection.ended = true;
      this.events.upgrade({ request, socket, early, inspected, ...this.origin() });
    }
  }

  private refuse(refusal: Refusal, request: IncomingMessage, response: ServerResponse): void {
    this.report(refusal, request);
    answerRefusal(refusal, request, response);
  }

  /** Where Node has let go of the connection. */
  private refuseSocket(refusal: Refusal, request: IncomingMessage): void {
    const connection = Connection.of(request.socket, this);
    if (connection.ended) return;
    this.report(refusal, request);
    connection.break('broken', rawAnswer(refusalAnswer(refusal)));
  }

  report(refusal: Refusal, request: IncomingMessage): void {
    const excerpt = `${request.method} ${request.url} HTTP/${request.httpVersion}`.slice(0, 200);
    this.events.refused(refusal, this.name, request.socket?.remoteAddress ?? '', excerpt);
  }

  /** Bytes that are no request, a head that is too large or too slow, a TLS handshake that failed. */
  private clientError(error: ClientError, socket: Duplex): void {
    if (isUnproven(error, socket)) {
      this.events.refused(UNPROVEN, this.name, socket.remoteAddress ?? '', '');
      return void socket.destroy();
    }
    if (!(socket instanceof Socket) || socket.destroyed || error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const connection = Connection.of(socket, this);
    if (connection.ended) return;
    // What follows `Connection: close` is ignored (RFC 9112 section 9.6).
    if (error.code === 'HPE_CLOSED_CONNECTION') {
      connection.ended = true;
      return;
    }
    const refusal = refusalOf(error, isLineTooLong(error, socket, this.guard.requestLine));
    const excerpt = (error.rawPacket ?? Buffer.alloc(0)).toString('latin1', 0, 200);
    this.events.refused(refusal, this.name, socket.remoteAddress ?? '', excerpt);
    const fault = refusal.status === 413 ? 'tooLarge' : 'broken';
    connection.break(fault, rawAnswer(problem(refusal.status, refusal.detail)));
  }
}

const guardOf = ({ guard, headerBytes }: Omit<ListenerOptions, 'gate'>): GuardLimits => ({ ...guard, headerBytes });

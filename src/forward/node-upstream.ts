/** One URL of a target: its connections, its limits, its health. */
import { constants } from 'node:crypto';
import type { SecureVersion } from 'node:tls';
import { Client, type Dispatcher, Pool } from 'undici';
import type { Reason, TargetSettings, TargetUrl, Timeouts } from '../exchange.ts';
import type { Candidate } from './balance.ts';
import { Health } from './health.ts';
import { NodeAttempt } from './node-attempt.ts';
import type { Resolver } from './node-resolve.ts';

export interface UpstreamParts {
  readonly resolver: Resolver;
  /** Reads a PEM file; throws with the path when it can't. */
  readonly readFile: (path: string) => string;
  /** Largest head of an answer, bytes. */
  readonly headerBytes: number;
}

/** What one attempt sends. */
export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: Uint8Array | import('node:stream').Readable | null;
  readonly timeouts: Timeouts;
}

interface Waiting {
  readonly attempt: NodeAttempt;
  readonly outgoing: Outgoing;
  readonly timer: NodeJS.Timeout;
}

/** For one who waits for a place where nothing else limits it. */
const LONGEST_WAIT_MS = 30_000;

/** A failure that says something about the target's health; a full queue of ours does not. */
const UNHEALTHY: ReadonlySet<Reason | null> = new Set<Reason>([
  'connect',
  'dns',
  'tls',
  'timeout',
  'reset',
  'protocol',
  'truncated',
]);

export class Upstream implements Candidate {
  readonly url: string;
  readonly weight: number;
  inFlight = 0;
  /** For a connection outside the pool: a tunnel has one of its own. */
  readonly connection: {
    readonly origin: string;
    readonly lookup: Resolver['lookup'];
    readonly tls: ReturnType<typeof tlsOptions>;
  };
  private readonly origin: string;
  private readonly prefix: string;
  private readonly connectMs: number;
  private readonly max: number;
  private readonly maxWaiting: number;
  private readonly pool: Pool;
  private readonly health: Health;
  private readonly queue: Waiting[] = [];

  constructor(target: TargetSettings, { url, weight }: TargetUrl, parts: UpstreamParts) {
    const parsed = new URL(url);
    this.url = url.replace(/\/$/, '');
    this.weight = weight;
    this.origin = parsed.origin;
    this.prefix = parsed.pathname === '/' ? '' : parsed.pathname.replace(/\/$/, '');
    this.connectMs = target.timeouts.connect;
    this.max = target.connections.max;
    this.maxWaiting = target.connections.waiting;
    this.health = new Health(target.circuitBreaker.failures, target.circuitBreaker.openFor);
    const tls = tlsOptions(target, parts);
    this.connection = { origin: this.origin, lookup: parts.resolver.lookup, tls };
    this.pool = createPool(this.connection, target, parts);
  }

  get healthy(): boolean {
    return this.health.healthy;
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** Connections that are open, and of those the ones without a request. */
  connections(): { open: number; idle: number } {
    const { connected, free } = this.pool.stats;
    return { open: connected, idle: free };
  }

  /** Where a path goes: the URL's own path comes before it. */
  resolve(uri: string): { path: string; url: string } {
    const path = this.prefix + uri;
    return { path, url: this.origin + path };
  }

  /** Sends; what happens is told to the attempt's owner. Never throws. */
  send(attempt: NodeAttempt, outgoing: Outgoing): void {
    if (this.inFlight >= this.max) {
      this.enqueue(attempt, outgoing);
      return;
    }
    this.inFlight += 1;
    this.dispatch(attempt, outgoing);
  }

  /** @internal An attempt of ours is over. */
  leave(): void {
    this.inFlight -= 1;
    const next = this.queue.shift();
    if (next === undefined) return;
    clearTimeout(next.timer);
    this.send(next.attempt, next.outgoing);
  }

  /** @internal How an attempt ended. */
  observe(reason: Reason | null): void {
    if (reason === null) this.health.succeeded();
    else if (UNHEALTHY.has(reason)) this.health.failed();
  }

  /** Lets what runs come to its end, then closes. */
  async retire(): Promise<void> {
    await this.pool.close();
  }

  async destroy(): Promise<void> {
    await this.pool.destroy();
  }

  private enqueue(attempt: NodeAttempt, outgoing: Outgoing): void {
    if (this.queue.length >= this.maxWaiting) {
      // On the next turn: the owner is still setting the attempt up.
      setImmediate(() => attempt.fail('overload', 'too many requests are waiting for this target', false));
      return;
    }
    const timer = setTimeout(
      () => {
        this.queue.splice(this.queue.indexOf(waiting), 1);
        attempt.fail('overload', 'no connection to this target became free in time', true);
      },
      outgoing.timeouts.connect || outgoing.timeouts.response || LONGEST_WAIT_MS,
    );
    const waiting: Waiting = { attempt, outgoing, timer };
    this.queue.push(waiting);
  }

  private dispatch(attempt: NodeAttempt, outgoing: Outgoing): void {
    attempt.counts();
    const { connect, response, idle } = outgoing.timeouts;
    if (connect > 0 && connect !== this.connectMs) attempt.limitConnect(connect);
    try {
      this.pool.dispatch(
        {
          path: outgoing.path,
          method: outgoing.method as Dispatcher.HttpMethod,
          headers: outgoing.headers,
          body: outgoing.body as Buffer | null,
          headersTimeout: response,
          bodyTimeout: idle,
        },
        attempt,
      );
    } catch (error) {
      attempt.onResponseError(null, error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function createPool(
  { origin, lookup, tls }: Upstream['connection'],
  target: TargetSettings,
  parts: UpstreamParts,
): Pool {
  const pool = new Pool(origin, {
    connections: target.connections.max,
    pipelining: 1,
    allowH2: false,
    clientTtl: target.connections.maxAge === 0 ? null : target.connections.maxAge,
    connectTimeout: target.timeouts.connect,
    maxHeaderSize: parts.headerBytes,
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 60_000,
    // A target closes an idle connection at its own time; ours goes first.
    keepAliveTimeoutThreshold: 1000,
    connect: { lookup, ...tls },
    factory: (url, options) => new CountingClient(url, options),
  });
  // Each failed request is told to its own handler; an event without a listener would be an exception.
  pool.on('connectionError', () => undefined);
  return pool;
}

function tlsOptions({ tls }: TargetSettings, { readFile }: UpstreamParts) {
  return {
    ...(tls.ca === '' ? {} : { ca: readFile(tls.ca) }),
    ...(tls.cert === '' ? {} : { cert: readFile(tls.cert) }),
    ...(tls.key === '' ? {} : { key: readFile(tls.key) }),
    ...(tls.serverName === '' ? {} : { servername: tls.serverName }),
    minVersion: tls.minVersion as SecureVersion,
    rejectUnauthorized: tls.verify,
    ...(tls.legacyRenegotiation ? { secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT } : {}),
  };
}

/** Tells each attempt whether its connection has served before (RFC 9110 section 9.2.2 hangs on it). */
class CountingClient extends Client {
  private served = 0;
  constructor(url: string | URL, options: object) {
    super(url, options);
    this.on('disconnect', () => {
      this.served = 0;
    });
  }
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (handler instanceof NodeAttempt) handler.reused = this.served > 0;
    this.served += 1;
    return super.dispatch(options, handler);
  }
}

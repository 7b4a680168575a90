/** One URL of a target: its connections, its limits, its health. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Reason, TargetSettings, TargetUrl, Timeouts } from '../exchange.ts';
import type { Candidate } from './balance.ts';
import { type Deadlines, ticksOf } from './deadline.ts';
import { Health } from './health.ts';
import type { NodeAttempt } from './node-attempt.ts';
import { type Connection, Connections } from './node-connections.ts';
import { Reach, type ReachParts } from './node-reach.ts';
import type { ConnectWaiter } from './shared-connect.ts';

export interface UpstreamParts extends ReachParts {
  readonly deadlines: Deadlines;
}

/** What one attempt sends. */
export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: Uint8Array | Readable | null;
  readonly timeouts: Timeouts;
}

/** `free`: nothing of the attempt is left on it; `failed`: soon; `busy`: it can't be taken back. */
export type LeftAs = 'free' | 'failed' | 'busy';

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
  readonly reach: Reach;
  inFlight = 0;
  private readonly prefix: string;
  private readonly connectMs: number;
  private readonly max: number;
  private readonly maxWaiting: number;
  private readonly pool: Connections;
  private readonly health: Health;
  private readonly deadlines: Deadlines;
  private readonly queue: Waiting[] = [];

  /** Throws when a certificate or key can't be read. */
  constructor(target: TargetSettings, { url, weight }: TargetUrl, parts: UpstreamParts) {
    const parsed = new URL(url);
    this.url = url.replace(/\/$/, '');
    this.weight = weight;
    this.deadlines = parts.deadlines;
    this.prefix = parsed.pathname === '/' ? '' : parsed.pathname.replace(/\/$/, '');
    this.connectMs = target.timeouts.connect;
    this.max = target.connections.max;
    this.maxWaiting = target.connections.waiting;
    this.health = new Health(target.circuitBreaker.failures, target.circuitBreaker.openFor);
    this.reach = new Reach(parsed.origin, target, parts);
    this.pool = new Connections(this.reach, target);
  }

  get healthy(): boolean {
    return this.health.healthy;
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** Connections that are open, with or without a request. */
  get open(): number {
    return this.pool.open;
  }

  /** Where a path goes: the URL's own path comes before it. */
  resolve(uri: string): { path: string; url: string } {
    const path = this.prefix + uri;
    return { path, url: this.reach.origin + path };
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

  /** @internal An attempt no longer uses its connection. */
  leave(connection: Connection, leftAs: LeftAs): void {
    if (leftAs === 'free') this.pool.give(connection);
    else if (leftAs === 'failed') this.pool.giveSoon(connection);
    else this.pool.discard(connection);
    this.inFlight -= 1;
    for (;;) {
      const next = this.queue.shift();
      if (next === undefined) return;
      clearTimeout(next.timer);
      if (next.attempt.isOver) continue;
      this.send(next.attempt, next.outgoing);
      return;
    }
  }

  /** @internal How an attempt ended. */
  observe(reason: Reason | null): void {
    if (reason === null) this.health.succeeded();
    else if (UNHEALTHY.has(reason)) this.health.failed();
  }

  /** Looks whether the files of certificates and keys have changed; what is open then serves no further request. */
  refreshTls(): void {
    if (this.reach.refresh()) this.pool.renew();
  }

  /** Lets what runs come to its end, then closes. */
  async retire(): Promise<void> {
    await this.pool.close();
  }

  async destroy(): Promise<void> {
    for (const { timer } of this.queue) clearTimeout(timer);
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
    const connection = this.pool.take();
    const { connect, response, idle } = outgoing.timeouts;
    attempt.uses(connection, { deadlines: this.deadlines, response: ticksOf(response), idle: ticksOf(idle) });
    if (connect > 0 && connect !== this.connectMs) attempt.limitConnect(connect);
    if (!connection.isOpen && this.pool.connects.join(new Joined(attempt, connection, outgoing))) return;
    sendOn(connection, attempt, outgoing);
  }
}

/** Waits for what the connect of another brings. */
class Joined implements ConnectWaiter {
  private readonly attempt: NodeAttempt;
  private readonly connection: Connection;
  private readonly outgoing: Outgoing;

  constructor(attempt: NodeAttempt, connection: Connection, outgoing: Outgoing) {
    this.attempt = attempt;
    this.connection = connection;
    this.outgoing = outgoing;
  }

  refused(error: Error): void {
    if (!this.attempt.isOver) this.attempt.refuse(error);
  }

  goOn(): void {
    if (!this.attempt.isOver) sendOn(this.connection, this.attempt, this.outgoing);
  }
}

function sendOn(connection: Connection, attempt: NodeAttempt, { path, method, headers, body }: Outgoing): void {
  try {
    const what = { path, method: method as Dispatcher.HttpMethod, headers, body: body as Buffer | null };
    connection.dispatch({ ...what, headersTimeout: 0, bodyTimeout: 0 }, attempt);
  } catch (error) {
    attempt.onResponseError(null, error instanceof Error ? error : new Error(String(error)));
  }
}

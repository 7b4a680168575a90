/**
 * The connections to one URL, one undici Client each. Taken last in, first out: the fewest stay open, and finding a
 * free one costs the same however many there are (undici's own Pool looks through all of them for each request).
 */
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';
import type { TargetSettings } from '../exchange.ts';
import { type AnswerListener, AnswerStart } from './answer-start.ts';
import type { Reach } from './node-reach.ts';
import { SharedConnect } from './shared-connect.ts';

type Connector = buildConnector.connector;

/** Our side closes an idle connection before the target's usual 5 s do: no request meets a closing one. */
const IDLE_MS = 4000;
const LONGEST_IDLE_MS = 60_000;
const IDLE_MARGIN_MS = 1000;

export class Connections {
  /** The connects that are under way, as far as their refusal may be shared. */
  readonly connects = new SharedConnect();
  private readonly reach: Reach;
  private readonly maxAgeMs: number;
  private readonly connectMs: number;
  private readonly options: Client.Options;
  private readonly all = new Set<Connection>();
  private connector: Connector;
  private free: Connection[] = [];
  private closing = false;

  constructor(reach: Reach, target: TargetSettings) {
    this.reach = reach;
    this.maxAgeMs = target.connections.maxAge;
    this.connectMs = target.timeouts.connect;
    this.options = {
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: reach.headerBytes,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: LONGEST_IDLE_MS,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
    };
    this.connector = this.buildConnector();
  }

  /** A connection that nobody uses, open or not yet. The caller sees to how many there may be. */
  take(): Connection {
    for (;;) {
      const connection = this.free.pop();
      if (connection === undefined) return this.create();
      if (this.maxAgeMs === 0 || connection.ageMs() < this.maxAgeMs) return connection;
      this.end(connection);
    }
  }

  give(connection: Connection): void {
    if (this.closing || connection.isSpent || connection.connector !== this.connector) this.end(connection);
    else this.free.push(connection);
  }

  /** As `give`, once the library has done what it does after an error: till then it takes no other request. */
  giveSoon(connection: Connection): void {
    process.nextTick(() => this.give(connection));
  }

  /** Not to be used again: a request that can't be taken back waits on it. */
  discard(connection: Connection): void {
    this.all.delete(connection);
    void connection.client.destroy();
  }

  get open(): number {
    let open = 0;
    for (const { isOpen } of this.all) if (isOpen) open += 1;
    return open;
  }

  /** The way to the target has changed (its certificates): what is free is closed, what is in use when it is done. */
  renew(): void {
    this.connector = this.buildConnector();
    const { free } = this;
    this.free = [];
    for (const connection of free) this.end(connection);
  }

  /** Lets what runs come to its end. What is taken after this is closed when it is given back. */
  async close(): Promise<void> {
    this.closing = true;
    const { free } = this;
    this.free = [];
    for (const connection of free) this.all.delete(connection);
    await Promise.all(free.map(({ client }) => client.close()));
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.all].map(({ client }) => client.destroy()));
  }

  private create(): Connection {
    const connection = new Connection(this.reach.origin, this.options, this.connector);
    this.all.add(connection);
    return connection;
  }

  private end(connection: Connection): void {
    this.all.delete(connection);
    void connection.client.close();
  }

  /** One for all connections: it keeps the TLS sessions. Tells of the beginning and the end of each connect. */
  private buildConnector(): Connector {
    const { reach, connects, connectMs } = this;
    const connector = buildConnector({ timeout: connectMs, allowH2: false, lookup: reach.lookup, ...reach.tls });
    return (options, callback) => {
      const end = connects.begin();
      connector(options, (...result: Parameters<typeof callback>) => {
        end(result[0]);
        if (result[0] === null) reach.connected(result[1]);
        callback(...result);
      });
    };
  }
}

export class Connection {
  readonly client: Client;
  readonly connector: Connector;
  isOpen = false;
  /** Where its last answer ends is not to be trusted: nothing more is sent on it. */
  isSpent = false;
  /** Requests since it was opened: an answer may be refused by a target that was just closing it. */
  served = 0;
  private openedAt = 0;
  private start: AnswerStart | null = null;

  constructor(origin: string, options: Client.Options, connector: Connector) {
    this.connector = connector;
    const connect: Connector = (how, callback) =>
      connector(how, (...result: Parameters<typeof callback>) => {
        if (result[0] === null) this.start = filterReads(result[1]);
        callback(...result);
      });
    this.client = new Client(origin, { ...options, connect });
    this.client.on('connect', () => {
      this.isOpen = true;
      this.openedAt = performance.now();
    });
    this.client.on('disconnect', () => {
      this.isOpen = false;
      this.served = 0;
    });
    // Each failed request is told to its own handler; an event without a listener would be an exception.
    this.client.on('connectionError', () => {
      this.served = 0;
    });
  }

  ageMs(): number {
    return this.isOpen ? performance.now() - this.openedAt : 0;
  }

  /** Throws what undici throws for a request that can't be sent. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.served += 1;
    this.client.dispatch(options, handler);
  }

  /** Bytes of the answer that is awaited have come. */
  get heard(): boolean {
    return this.start?.heard ?? false;
  }

  /** The last answer was in HTTP/1.0. */
  get isOld(): boolean {
    return this.start?.isOld ?? false;
  }

  /** A request is being written: what comes from now on is its answer. */
  awaitAnswer(listener: AnswerListener): void {
    this.start?.arm(listener);
  }
}

/** The library pulls what it parses by `read()`. */
function filterReads(socket: Socket): AnswerStart {
  const start = new AnswerStart();
  const read = socket.read.bind(socket);
  socket.read = (size?: number) => {
    const chunk: Buffer | null = read(size);
    return chunk === null ? null : start.pass(chunk);
  };
  return start;
}

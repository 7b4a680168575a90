/**
 * The connections to one URL, one undici Client each. Taken last in, first out: the fewest stay open, and finding a
 * free one costs the same however many there are (undici's own Pool looks through all of them for each request).
 */
import { constants } from 'node:crypto';
import type { SecureVersion } from 'node:tls';
import type { Dispatcher } from 'undici';
import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';
import type { TargetSettings } from '../exchange.ts';
import type { Resolver } from './node-resolve.ts';
import { SharedConnect } from './shared-connect.ts';

export interface ConnectionParts {
  readonly resolver: Resolver;
  /** Reads a PEM file; throws with the path when it can't. */
  readonly readFile: (path: string) => string;
  /** Largest head of an answer, bytes. */
  readonly headerBytes: number;
}

/** How to reach a URL: what the pool uses, and what a tunnel needs for a connection of its own. */
export interface Reach {
  readonly origin: string;
  readonly lookup: Resolver['lookup'];
  readonly tls: ReturnType<typeof tlsOptions>;
}

/** Our side closes an idle connection before the target's usual 5 s do: no request meets a closing one. */
const IDLE_MS = 4000;
const LONGEST_IDLE_MS = 60_000;
const IDLE_MARGIN_MS = 1000;

/** Throws when a certificate or key can't be read. */
export function reachOf(origin: string, target: TargetSettings, parts: ConnectionParts): Reach {
  return { origin, lookup: parts.resolver.lookup, tls: tlsOptions(target, parts) };
}

export class Connections {
  /** The connects that are under way, as far as their refusal may be shared. */
  readonly connects = new SharedConnect();
  private readonly origin: string;
  private readonly maxAgeMs: number;
  private readonly options: Client.Options;
  private readonly all = new Set<Connection>();
  private free: Connection[] = [];
  private closing = false;

  constructor(reach: Reach, target: TargetSettings, parts: ConnectionParts) {
    this.origin = reach.origin;
    this.maxAgeMs = target.connections.maxAge;
    this.options = {
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: parts.headerBytes,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: LONGEST_IDLE_MS,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
      // One connector for all: it keeps the TLS sessions.
      connect: watched(
        buildConnector({ timeout: target.timeouts.connect, allowH2: false, lookup: reach.lookup, ...reach.tls }),
        this.connects,
      ),
    };
  }

  /** A connection that nobody uses, open or not yet. The caller sees to how many there may be. */
  take(): Connection {
    for (;;) {
      const connection = this.free.pop();
      if (connection === undefined) return this.create();
      if (this.maxAgeMs === 0 || connection.ageMs() < this.maxAgeMs) return connection;
      this.all.delete(connection);
      void connection.client.close();
    }
  }

  give(connection: Connection): void {
    if (!this.closing) {
      this.free.push(connection);
      return;
    }
    this.all.delete(connection);
    void connection.client.close();
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
    const connection = new Connection(new Client(this.origin, this.options));
    this.all.add(connection);
    return connection;
  }
}

export class Connection {
  readonly client: Client;
  isOpen = false;
  /** Requests since it was opened: an answer may be refused by a target that was just closing it. */
  served = 0;
  private openedAt = 0;

  constructor(client: Client) {
    this.client = client;
    client.on('connect', () => {
      this.isOpen = true;
      this.openedAt = performance.now();
    });
    client.on('disconnect', () => {
      this.isOpen = false;
      this.served = 0;
    });
    // Each failed request is told to its own handler; an event without a listener would be an exception.
    client.on('connectionError', () => {
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
}

/** Tells of the beginning and the end of each connect. */
function watched(connector: buildConnector.connector, connects: SharedConnect): buildConnector.connector {
  return (options, callback) => {
    const end = connects.begin();
    connector(options, (...result: Parameters<typeof callback>) => {
      end(result[0]);
      callback(...result);
    });
  };
}

function tlsOptions({ tls }: TargetSettings, { readFile }: ConnectionParts) {
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

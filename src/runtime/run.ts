/** Puts the process together: the path on this thread, the keeper on its own, and what a reload changes. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CopyMemory } from '../accept/copy.ts';
import type { Listener, ListenerEvents } from '../accept/node-server.ts';
import { Overload } from '../accept/overload.ts';
import { type AmbassadorParts, serve } from '../ambassador.ts';
import { compileRoutes, type Routes } from '../dispatch/match.ts';
import { createValueSource, type ValueSource } from '../dispatch/value-source.ts';
import type { Settings } from '../exchange.ts';
import { Lanes } from '../forward/lanes.ts';
import { Resolver } from '../forward/node-resolve.ts';
import { Capturer } from '../record/capture.ts';
import { Tunnels } from '../tunnels.ts';
import { createExchangeMeters } from '../watch/exchange-meters.ts';
import { ExchangeWatch } from '../watch/exchange-watch.ts';
import { Meter } from '../watch/meter.ts';
import { createPathLog, type PathLog } from '../watch/path-log.ts';
import { bindListeners } from './bind.ts';
import { ConfigError, StartError } from './errors.ts';
import { KeeperClient } from './keeper-client.ts';
import type { FromKeeper } from './keeper-protocol.ts';
import { KeeperSupervisor } from './keeper-supervisor.ts';
import { drain, onSignals } from './lifecycle.ts';
import { TargetGauges } from './target-gauges.ts';

export interface RunOptions {
  /** Folder with outrider.yaml and routes.yaml, or one file; absent: the environment alone. */
  readonly configPath?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Addresses {
  /** By listener: `127.0.0.1:5000`. */
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  /** '' where it doesn't listen. */
  readonly metrics: string;
  readonly admin: string;
}

export interface RunningOutrider {
  /** Listeners are bound, and so are metrics and admin, or it is known that they can't be. */
  readonly ready: Promise<void>;
  readonly addresses: Addresses;
  stop(): Promise<void>;
  /** Exit code, when all has ended. */
  readonly exited: Promise<number>;
}

/**
 * Starts Outrider. Throws ConfigError when there is nothing it can run with, StartError when a listener can't be
 * bound or something that the configuration requires is missing; nothing is left running then.
 */
export async function runOutrider(options: RunOptions): Promise<RunningOutrider> {
  const outrider = new Outrider(options);
  try {
    await outrider.start();
  } catch (error) {
    await outrider.abandon();
    throw error;
  }
  return outrider;
}

const HEARTBEAT_MS = 1000;
/** Bytes of live copies that may wait for the keeper's disk. */
const BACKLOG_SHARE = 1;

class Outrider implements RunningOutrider {
  readonly ready: Promise<void>;
  readonly exited: Promise<number>;
  readonly addresses: { listeners: Record<string, readonly string[]>; metrics: string; admin: string } = {
    listeners: {},
    metrics: '',
    admin: '',
  };
  private readonly client: KeeperClient;
  private readonly meter: Meter;
  private readonly log: PathLog;
  private readonly keeper: KeeperSupervisor;
  private readonly firstSettings = Promise.withResolvers<Settings>();
  private readonly readied = Promise.withResolvers<void>();
  private readonly end = Promise.withResolvers<number>();
  /** Outlives reloads: a secret in the middle of a rotation keeps its last value. */
  private readonly values: ValueSource;
  private settings: Settings | null = null;
  private routes: Routes | null = null;
  private lanes: Lanes | null = null;
  private parts: AmbassadorParts | null = null;
  private tunnels: Tunnels | null = null;
  private gauges: TargetGauges | null = null;
  private listeners: Listener[] = [];
  private heart: NodeJS.Timeout | null = null;
  private stopping: Promise<void> | null = null;
  private removeSignals: (() => void) | null = null;

  constructor({ configPath, env }: RunOptions) {
    this.values = createValueSource({ env });
    this.ready = this.readied.promise;
    this.exited = this.end.promise;
    this.client = new KeeperClient();
    this.meter = new Meter((definition) => this.client.publish(definition));
    this.log = createPathLog((line) => this.client.log(line));
    this.keeper = new KeeperSupervisor({
      configPath: configPath ?? null,
      env,
      meter: this.meter,
      client: this.client,
      log: this.log,
      onMessage: (message) => this.receive(message),
      settings: () => this.settings,
      onRestart: () => this.announce(this.stopping !== null),
    });
  }

  async start(): Promise<void> {
    const settings = await this.firstSettings.promise;
    this.build(settings);
    await this.bind(settings);
    this.meter.heartbeat();
    this.heart = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.announce(false);
    this.removeSignals = onSignals(
      (signal) => {
        this.log.log('info', { signal }, 'signal received');
        void this.stop();
      },
      () => process.exit(1),
    );
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** After a start that failed. */
  async abandon(): Promise<void> {
    for (const listener of this.listeners) listener.destroy();
    await this.lanes?.destroy();
    await this.keeper.close(0);
  }

  private receive(message: FromKeeper): void {
    switch (message.type) {
      case 'settings':
        if (this.settings === null) this.firstSettings.resolve(message.settings);
        else this.reload(message.settings);
        return;
      case 'mistakes':
        this.firstSettings.reject(new ConfigError(message.mistakes));
        return;
      case 'unusable':
        this.firstSettings.reject(new StartError(message.message));
        return;
      case 'listening':
        this.addresses.metrics = message.metrics;
        this.addresses.admin = message.admin;
        this.sayListening();
        return;
      default:
    }
  }

  private build(settings: Settings): void {
    const { capture, limits, forwarded, metrics } = settings.process;
    const readFile = (path: string): string => readFileSync(path, 'utf8');
    this.lanes = new Lanes({ resolver: new Resolver(), readFile, headerBytes: limits.headerBytes * 2 });
    this.client.backlogBytes = capture.memory * BACKLOG_SHARE;
    this.parts = {
      routes: () => this.runningRoutes(),
      lanes: this.lanes,
      overload: new Overload(limits.inFlight),
      policy: { pseudonym: `outrider-${randomBytes(4).toString('hex')}`, forwarded },
      copies: { memory: new CopyMemory(capture.memory), files: this.client, limit: capture.body },
      capturer: new Capturer({
        store: this.client,
        waitMs: capture.wait,
        readWaitMs: capture.readWait,
        responseBytes: capture.response,
      }),
      holdBytes: capture.response,
      watch: new ExchangeWatch({
        meter: this.meter,
        meters: createExchangeMeters(this.meter, metrics),
        log: this.log,
        access: () => this.settings?.process.log.access ?? 'failures',
      }),
    };
    this.tunnels = new Tunnels(this.parts, limits.tunnelIdle);
    this.gauges = new TargetGauges(this.meter, this.lanes);
    this.apply(settings, compileRoutes(settings, this.values));
  }

  /** Takes over a configuration, whole. Throws with the old one running when a key or certificate can't be read. */
  private apply(settings: Settings, routes: Routes): void {
    this.lanes?.update(settings.routes.targets);
    this.routes = routes;
    this.settings = settings;
    this.log.setLevel(settings.process.log.level);
  }

  private reload(settings: Settings): void {
    let problem: string | null = null;
    try {
      this.apply(settings, compileRoutes(settings, this.values));
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    this.keeper.post({ type: 'applied', hash: settings.hash, problem });
  }

  private runningRoutes(): Routes {
    if (this.routes === null) throw new Error('a request came before the configuration');
    return this.routes;
  }

  private async bind(settings: Settings): Promise<void> {
    const { parts, tunnels } = this;
    if (parts === null || tunnels === null) throw new Error('bound before it was built');
    const events: ListenerEvents = {
      request: (caller) => serve(caller, parts),
      upgrade: (upgrade) => tunnels.open(upgrade),
      refused: (refusal, listener, remote, excerpt) => parts.watch.refused(refusal, listener, remote, excerpt),
    };
    this.listeners = await bindListeners(settings, events);
    for (const { name, addresses } of this.listeners) this.addresses.listeners[name] = addresses;
  }

  private announce(draining: boolean): void {
    this.keeper.post({ type: 'state', listenersBound: true, draining });
    if (this.settings !== null) this.keeper.post({ type: 'applied', hash: this.settings.hash, problem: null });
  }

  private sayListening(): void {
    this.log.log('info', { ...this.addresses, config: this.settings?.hash, pid: process.pid }, 'listening');
    this.client.flush();
    this.readied.resolve();
  }

  private beat(): void {
    this.meter.heartbeat();
    this.gauges?.update();
  }

  private async shutDown(): Promise<void> {
    const { settings, parts, listeners, log } = this;
    const { mode, max } = settings?.process.shutdown ?? { mode: 'drain', max: 0 };
    const started = performance.now();
    if (parts !== null) {
      this.tunnels?.drain();
      await drain({ listeners, overload: parts.overload, log, announce: () => this.announce(true) }, mode, max);
    }
    this.tunnels?.destroy();
    await this.lanes?.destroy();
    // `native`: as long as records wait for Kafka; the kernel may end it any time and nothing is lost.
    const left = mode === 'native' ? Number.MAX_SAFE_INTEGER : Math.max(0, max - (performance.now() - started));
    await this.keeper.close(left);
    if (this.heart !== null) clearInterval(this.heart);
    this.removeSignals?.();
    this.end.resolve(0);
  }
}

/** Puts the process together: the keeper on its own thread, and beside it on this one the path. */
import type { Settings } from '../exchange.ts';
import { Meter } from '../watch/meter.ts';
import { createPathLog, type PathLog } from '../watch/path-log.ts';
import { ConfigError, StartError } from './errors.ts';
import { KeeperClient } from './keeper-client.ts';
import type { FromKeeper } from './keeper-protocol.ts';
import { KeeperQuestions } from './keeper-questions.ts';
import { KeeperSupervisor } from './keeper-supervisor.ts';
import { onSignals } from './lifecycle.ts';
import type { Path } from './path.ts';
import { Probes } from './probes.ts';

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
    await outrider.started;
  } catch (error) {
    await outrider.abandon();
    throw error;
  }
  return outrider;
}

const HEARTBEAT_MS = 1000;

class Outrider implements RunningOutrider {
  /** Listening, or the reason why not. */
  readonly started: Promise<void>;
  readonly ready: Promise<void>;
  readonly exited: Promise<number>;
  readonly addresses: { listeners: Record<string, readonly string[]>; metrics: string; admin: string } = {
    listeners: {},
    metrics: '',
    admin: '',
  };
  private readonly env: RunOptions['env'];
  private readonly client = new KeeperClient();
  private readonly meter: Meter;
  private readonly log: PathLog;
  private readonly keeper: KeeperSupervisor;
  private readonly questions = new KeeperQuestions((message) => this.keeper.post(message));
  private readonly probes: Probes;
  private readonly firstSettings = Promise.withResolvers<Settings>();
  private readonly readied = Promise.withResolvers<void>();
  private readonly end = Promise.withResolvers<number>();
  private settings: Settings | null = null;
  private path: Path | null = null;
  private draining = false;
  private bound = false;
  private keeperListens = false;
  private heart: NodeJS.Timeout | null = null;
  private stopping: Promise<void> | null = null;
  private readonly removeSignals: () => void;

  constructor({ configPath, env }: RunOptions) {
    // Before anything else: as process 1 of a container it would not even be ended by a signal without a handler.
    this.removeSignals = onSignals(
      (signal) => this.stopFor(signal),
      () => process.exit(1),
    );
    this.env = env;
    this.ready = this.readied.promise;
    this.exited = this.end.promise;
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
      onRestart: () => this.announce(),
    });
    this.probes = new Probes({
      questions: this.questions,
      process: () => ({ configParsed: this.settings !== null, listenersBound: this.bound, draining: this.draining }),
      log: this.log,
    });
    this.started = this.start();
  }

  private async start(): Promise<void> {
    // The keeper reads the configuration meanwhile: the two threads load side by side.
    const [{ Path }, settings] = await Promise.all([import('./path.ts'), this.firstSettings.promise]);
    const { env, client, meter, log } = this;
    this.path = new Path(settings, { env, client, meter, log });
    await Promise.all([this.path.bind(settings), this.probes.listen(settings.process.metrics)]);
    this.addresses.metrics = this.probes.address;
    for (const { name, addresses } of this.path.listeners) this.addresses.listeners[name] = addresses;
    this.settings = settings;
    this.heart = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.announce();
    this.bound = true;
    this.sayListening();
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** After a start that failed. */
  async abandon(): Promise<void> {
    this.removeSignals();
    await this.path?.destroy();
    await this.probes.close();
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
        this.addresses.admin = message.admin;
        this.keeperListens = true;
        this.sayListening();
        return;
      case 'answer':
        this.questions.receive(message);
        return;
      default:
    }
  }

  private reload(settings: Settings): void {
    let problem: string | null = null;
    try {
      this.path?.apply(settings);
      this.settings = settings;
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    this.keeper.post({ type: 'applied', hash: settings.hash, problem });
  }

  /** A keeper that was started anew runs with what the path runs with. */
  private announce(): void {
    if (this.settings !== null) this.keeper.post({ type: 'applied', hash: this.settings.hash, problem: null });
  }

  /** Once both threads are: whoever waits for this line can use every address in it. */
  private sayListening(): void {
    if (!this.bound || !this.keeperListens) return;
    this.log.log('info', { ...this.addresses, config: this.settings?.hash, pid: process.pid }, 'listening');
    this.client.flush();
    this.readied.resolve();
  }

  private beat(): void {
    this.path?.beat();
  }

  private stopFor(signal: string): void {
    this.log.log('info', { signal }, 'signal received');
    void this.stop();
  }

  private async shutDown(): Promise<void> {
    // A start that fails is told by runOutrider.
    await Promise.allSettled([this.started]);
    const { mode, max } = this.settings?.process.shutdown ?? { mode: 'drain', max: 0 };
    const started = performance.now();
    await this.path?.close(mode, max, () => {
      this.draining = true;
    });
    // `native`: as long as records wait for Kafka; the kernel may end it any time and nothing is lost.
    const left = mode === 'native' ? Number.MAX_SAFE_INTEGER : Math.max(0, max - (performance.now() - started));
    await this.keeper.close(left);
    await this.probes.close();
    if (this.heart !== null) clearInterval(this.heart);
    this.removeSignals();
    this.end.resolve(0);
  }
}

/** Keeps a keeper thread running: a crash degrades capture, is told once, and is followed by a new one. */
import { Worker } from 'node:worker_threads';
import type { Settings } from '../exchange.ts';
import type { Meter } from '../watch/meter.ts';
import type { PathLog } from '../watch/path-log.ts';
import type { KeeperClient } from './keeper-client.ts';
import type { FromKeeper, KeeperStart, ToKeeper } from './keeper-protocol.ts';
import { isBundled } from './package-root.ts';
import { RestartWait } from './restart-wait.ts';

export interface SupervisorOptions {
  readonly configPath: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly meter: Meter;
  readonly client: KeeperClient;
  readonly log: PathLog;
  /** Messages that are not for the client. */
  readonly onMessage: (message: FromKeeper) => void;
  /** The running configuration: what a new keeper starts with. */
  readonly settings: () => Settings | null;
  /** A new keeper took over. */
  readonly onRestart: () => void;
}

/** Semi-spaces of the keeper's isolate: it makes little garbage, and none that a request waits for. */
const HANGING_MS = 5000;
const LONGEST_TIMER_MS = 2 ** 31 - 1 - HANGING_MS;
const YOUNG_MB = 2;
/** Beside this file in `src`, beside the bundle in `dist`. */
const ENTRY = new URL(isBundled ? './keeper.js' : './keeper.ts', import.meta.url);

export class KeeperSupervisor {
  private readonly options: SupervisorOptions;
  private worker: Worker | null = null;
  private closing = false;
  private readonly wait = new RestartWait();
  private startedAt = 0;
  private timer: NodeJS.Timeout | null = null;
  private readonly ended = Promise.withResolvers<void>();

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.start();
  }

  post(message: ToKeeper): void {
    this.worker?.postMessage(message);
  }

  /** Everything committed and said; resolves when the thread has ended. `deadlineMs` bounds what it does for Kafka. */
  async close(deadlineMs: number): Promise<void> {
    this.closing = true;
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.worker === null) return;
    this.options.client.flush();
    this.post({ type: 'close', deadlineMs });
    const last = deadlineMs > LONGEST_TIMER_MS ? null : setTimeout(() => this.kill(), deadlineMs + HANGING_MS);
    await this.ended.promise;
    if (last !== null) clearTimeout(last);
  }

  /**
   * A thread that waits for its disk can't be ended, nor can the process then by any other way. Everything that was
   * promised is on the disk.
   */
  private kill(): void {
    process.stderr.write('outrider: the keeper thread does not end, its disk hangs: the process is killed\n');
    process.kill(process.pid, 'SIGKILL');
  }

  /** Ends it where it stands. */
  async terminate(): Promise<void> {
    this.closing = true;
    await this.worker?.terminate();
  }

  private start(): void {
    const { configPath, env, meter, client } = this.options;
    const { memory, definitions } = meter;
    const workerData: KeeperStart = {
      configPath,
      env: { ...env },
      memory,
      definitions,
      settings: this.options.settings(),
    };
    const worker = new Worker(ENTRY, {
      workerData,
      name: 'keeper',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.worker = worker;
    this.startedAt = performance.now();
    client.attach({ post: (message) => worker.postMessage(message, movedWith(message)) });
    worker.on('message', (message: FromKeeper) => {
      client.receive(message);
      this.options.onMessage(message);
    });
    worker.on('error', (error: Error) => {
      // First: else the line about its end is handed to the thread that has ended.
      client.detach('the keeper thread failed');
      this.options.log.log(
        'error',
        { error: error.message },
        'the keeper thread failed: failed requests are not kept until it is back',
      );
    });
    worker.on('exit', () => this.exited(worker));
  }

  private exited(worker: Worker): void {
    if (this.worker !== worker) return;
    this.worker = null;
    this.options.client.detach('the keeper thread ended');
    if (this.closing) {
      this.ended.resolve();
      return;
    }
    this.timer = setTimeout(
      () => {
        this.start();
        this.options.onRestart();
      },
      this.wait.after(performance.now() - this.startedAt),
    );
  }
}

/** What changes hands instead of being copied. */
const movedWith = (message: ToKeeper): ArrayBuffer[] =>
  message.type === 'captures' ? [message.captures.bodies.buffer] : [];

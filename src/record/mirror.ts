/**
 * The relay from the spool to Kafka: reads committed records in sequence, sends them with acks=all, marks them after
 * the acknowledgement. All its state is in the source, so that it may be killed at any moment: a record is then sent
 * again, under the same id.
 */
import { setTimeout as wait, setImmediate as yieldToOthers } from 'node:timers/promises';
import type { KafkaSettings } from './kafka-security.ts';
import { BatchReader, type Entry, MAX_RECORDS, type ToMessage } from './mirror-batch.ts';
import { MirrorHealth, type MirrorStats } from './mirror-health.ts';
import { TopicLook } from './mirror-topic.ts';
import { type Failure, type Log, type Producer, refusalScope } from './producer.ts';
import type { KeptRecord, RelaySource } from './states.ts';

export type { MirrorMessage, ToMessage } from './mirror-batch.ts';
export type { MirrorStats } from './mirror-health.ts';
export { messageFor } from './mirror-message.ts';

/** Replaced by tests. */
export interface MirrorClock {
  /** Rejects when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<unknown>;
}

export interface MirrorOptions {
  readonly source: RelaySource;
  readonly producer: Producer;
  readonly settings: Pick<KafkaSettings, 'topic' | 'brokers' | 'maxRecordBytes'>;
  readonly toMessage: ToMessage;
  /** Called when `up` changes. */
  readonly onState: (state: MirrorStats) => void;
  readonly log: Log;
  readonly clock?: MirrorClock;
}

export interface Mirror {
  /** New records were committed. Cheap: any number of calls is one. */
  wake(): void;
  stats(): MirrorStats;
  /**
   * Lets the send in flight finish and marks it, but takes no longer than `deadlineMs`: then the connection is cut
   * and the batch stays waiting. Closes the producer. Repeatable.
   */
  close(options: { readonly deadlineMs: number }): Promise<void>;
}

/** First wait after a failed send; doubles to the longest. */
export const BACKOFF_MS = { first: 200, longest: 5_000 };
/** Connections without work are closed after this long. */
export const IDLE_MS = 30_000;

const realClock: MirrorClock = { sleep: (ms, signal) => wait(ms, undefined, { signal }) };

/** While Kafka takes nothing, some ask whether it does again: a hundred would be made for nothing each time. */
export const PROBE_RECORDS = 10;

/** Cutting the connection and settling after it take a few milliseconds of the deadline. */
const CUT_MARGIN_MS = 100;

/** Starts at once; connects when the first record waits. */
export function createMirror(options: MirrorOptions): Mirror {
  return new Relay(options);
}

class Relay implements Mirror {
  readonly #options: MirrorOptions;
  readonly #clock: MirrorClock;
  readonly #reader: BatchReader;
  readonly #health: MirrorHealth;
  readonly #stop = new AbortController();
  readonly #topic: TopicLook;
  readonly #running: Promise<void>;
  #hasNews = false;
  #ahead: Promise<readonly Entry[] | null> | null = null;
  #alarm = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#health = new MirrorHealth(options);
    this.#reader = new BatchReader({
      source: options.source,
      toMessage: options.toMessage,
      maxRecordBytes: options.settings.maxRecordBytes,
      onUnreadable: (record, error) => this.#health.unreadable(record, messageOf(error)),
      onUnbuildable: (record, error) => this.#park(record, `no message could be made of it: ${messageOf(error)}`),
    });
    this.#topic = new TopicLook({ ...options, clock: this.#clock, health: this.#health, signal: this.#stop.signal });
    this.#running = this.#run();
  }

  wake(): void {
    this.#hasNews = true;
    this.#alarm.resolve();
  }

  stats(): MirrorStats {
    return this.#health.stats;
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#closing ??= this.#shutDown(deadlineMs);
    return this.#closing;
  }

  async #shutDown(deadlineMs: number): Promise<void> {
    this.#stop.abort();
    this.wake();
    const timer = new AbortController();
    await Promise.race([this.#running, this.#sleep(Math.max(0, deadlineMs - CUT_MARGIN_MS), timer.signal)]);
    timer.abort();
    await this.#options.producer.close();
    await Promise.all([this.#running, this.#topic.running]);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const batch = await this.#takeBatch();
        if (batch === null) await this.#rest();
        else if (!(await this.#deliverAndReadAhead(batch))) await this.#startOver();
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#health.spoolFailed(messageOf(error));
        await this.#startOver();
      }
      await yieldToOthers();
    }
    await this.#forgetAhead();
  }

  /** null: nothing waits. */
  async #takeBatch(): Promise<readonly Entry[] | null> {
    const ahead = this.#ahead;
    this.#ahead = null;
    const batch = await (ahead ?? this.#reader.next(this.#health.stats.up ? MAX_RECORDS : PROBE_RECORDS));
    // All that was read is marked by now: what still waits was passed over, or came later.
    if (batch === null) this.#reader.restart();
    return batch;
  }

  /** The thread has nothing to do while Kafka has the batch: the next one is made ready. */
  #deliverAndReadAhead(batch: readonly Entry[]): Promise<boolean> {
    const delivered = this.#deliver(batch);
    if (!this.#health.stats.up) return delivered;
    // After a turn: the client has yet to put the batch on its way.
    this.#ahead = yieldToOthers().then(() => this.#reader.next());
    // Told when it is taken.
    this.#ahead.catch(() => undefined);
    return delivered;
  }

  async #forgetAhead(): Promise<void> {
    await Promise.allSettled([this.#ahead]);
    this.#ahead = null;
  }

  /** Until there is something to do; connections are given up when that takes long. */
  async #rest(): Promise<void> {
    if (!this.#hasNews) {
      this.#alarm = Promise.withResolvers();
      const timer = new AbortController();
      const idle = this.#sleep(IDLE_MS, timer.signal).then(async (slept) => {
        if (slept) await this.#options.producer.idle();
      });
      await this.#alarm.promise;
      timer.abort();
      await idle;
    }
    this.#hasNews = false;
  }

  /** False: no verdict on all of it, what is not yet marked has to be sent again. */
  async #deliver(batch: readonly Entry[]): Promise<boolean> {
    if (this.#stop.signal.aborted) return false;
    const { producer, settings } = this.#options;
    const outcome = await producer.send({ topic: settings.topic, messages: batch.map(({ message }) => message) });
    if (outcome.kind === 'acked') return this.#mark(batch);
    const scope = outcome.kind === 'refused' ? refusalScope(outcome.code) : null;
    if (outcome.kind === 'retry' || scope === null || scope === 'topic') {
      this.#kafkaFailed(outcome, batch.length);
      return false;
    }
    // Kafka is there, it refuses this batch only: look for the record that is to blame.
    const [entry, ...others] = batch;
    if (entry === undefined) return true;
    if (others.length === 0) return this.#deliverRefused(entry, scope, outcome.message);
    const half = Math.ceil(batch.length / 2);
    return (await this.#deliver(batch.slice(0, half))) && this.#deliver(batch.slice(half));
  }

  async #deliverRefused(entry: Entry, scope: 'size' | 'record', message: string): Promise<boolean> {
    const smaller = scope === 'size' && !entry.bodyOmitted ? this.#reader.withoutBody(entry) : entry;
    if (smaller === entry) this.#park(entry, message);
    if (smaller === null || smaller === entry) return true;
    return this.#deliver([smaller]);
  }

  #mark(batch: readonly Entry[]): true {
    const { source } = this.#options;
    const seqs = batch.map(({ seq }) => seq);
    // A record without its body is always alone in its send.
    if (batch.some(({ bodyOmitted }) => bodyOmitted)) source.markMirroredWithoutBody(seqs);
    else source.markMirrored(seqs);
    const { up } = this.#health.stats;
    this.#health.mirrored(seqs.length);
    if (!up || this.#health.stats.mirrored === seqs.length) this.#topic.hurry();
    return true;
  }

  #park(record: Pick<KeptRecord, 'seq' | 'id'>, reason: string): void {
    this.#options.source.park(record.seq, reason);
    this.#health.parked(record, reason);
  }

  #kafkaFailed(failure: Failure, records: number): void {
    // A connection cut by close() says nothing about Kafka.
    if (this.#stop.signal.aborted) return;
    this.#health.kafkaFailed(failure, records);
  }

  async #startOver(): Promise<void> {
    await this.#forgetAhead();
    this.#reader.restart();
    const full = Math.min(BACKOFF_MS.longest, BACKOFF_MS.first * 2 ** (this.#health.failuresInRow - 1));
    // Half of it is jitter: the pods of a deployment must not come back to a broker in step.
    await this.#sleep(full * (0.5 + Math.random() / 2), this.#stop.signal);
  }

  /** True when it slept to the end, false when it was woken. */
  #sleep(ms: number, signal: AbortSignal): Promise<boolean> {
    return this.#clock.sleep(ms, signal).then(
      () => true,
      () => false,
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

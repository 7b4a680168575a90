/**
 * Looks at the topic once, so that a wrong address, topic or password is told soon after the start and not first when
 * a record waits; and whether what it acknowledges is safe.
 */
import type { MirrorClock } from './mirror.ts';
import type { MirrorHealth, MirrorHealthOptions } from './mirror-health.ts';
import type { Producer, TopicInfo } from './producer.ts';

export interface TopicLookOptions extends Pick<MirrorHealthOptions, 'settings' | 'log'> {
  readonly producer: Producer;
  readonly health: MirrorHealth;
  readonly clock: MirrorClock;
  readonly signal: AbortSignal;
}

/** After the start, which should be quick; then again while it fails, seldom: an idle process uses no CPU for it. */
export const LOOK_MS = { first: 2_000, again: 60_000 };

export class TopicLook {
  /** Until the topic is known, or the signal. */
  readonly running: Promise<void>;
  readonly #options: TopicLookOptions;
  #hurry = Promise.withResolvers<void>();
  #failuresAfterLook = -1;

  constructor(options: TopicLookOptions) {
    this.#options = options;
    // A client that throws against its contract must not end the thread.
    this.running = this.#run().catch((error) => options.log('error', `mirror: the topic was not looked at: ${error}`));
  }

  /** Kafka takes records, so it can be asked: now. */
  hurry(): void {
    this.#hurry.resolve();
  }

  async #run(): Promise<void> {
    const { producer, signal } = this.#options;
    for (let ms = LOOK_MS.first; !signal.aborted; ms = LOOK_MS.again) {
      const isQuiet = await this.#wait(ms);
      if (signal.aborted) return;
      const known = this.#judge(await producer.topicInfo());
      // Nobody else gives up this connection: the relay may have been resting for long.
      if (isQuiet) await producer.idle();
      if (known) return;
    }
  }

  /** True: the time is over; false: `hurry` or the signal came before. */
  async #wait(ms: number): Promise<boolean> {
    const { clock, signal } = this.#options;
    this.#hurry = Promise.withResolvers();
    const timer = new AbortController();
    const slept = clock.sleep(ms, AbortSignal.any([signal, timer.signal])).then(
      () => true,
      () => false,
    );
    const isQuiet = await Promise.race([slept, this.#hurry.promise.then(() => false)]);
    timer.abort();
    return isQuiet;
  }

  /** True: the topic is known. */
  #judge(info: Awaited<ReturnType<Producer['topicInfo']>>): boolean {
    const { health, signal } = this.#options;
    if (info.kind === 'topic') {
      // What failed was the last look, and no send since.
      if (health.failuresInRow === this.#failuresAfterLook) health.isUp();
      this.#warn(info);
      return true;
    }
    if (signal.aborted || health.stats.mirrored > 0) return false;
    health.kafkaFailed(info, 0);
    this.#failuresAfterLook = health.failuresInRow;
    return false;
  }

  /** Acknowledged by all of too few is not safe: said once. */
  #warn({ replicas, minInsyncReplicas }: TopicInfo): void {
    if (replicas > 1 && (minInsyncReplicas ?? 2) > 1) return;
    const { log, settings } = this.#options;
    const { topic } = settings;
    const advice = 'one lost broker can lose acknowledged records; use 3 replicas and min.insync.replicas=2';
    log('warn', `mirror: topic ${topic}: ${advice}`, { topic, replicas, minInsyncReplicas });
  }
}

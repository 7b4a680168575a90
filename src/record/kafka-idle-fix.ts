/**
 * Two loops of kafkajs 2.2.4 that cost CPU while nothing is sent. kafkajs is pinned and has no `exports` map.
 *
 * From its first answer on, every connection sets about 900 timers a second, 1.5 % of a core, and Node warns of a
 * negative timeout (tulios/kafkajs#1704): the queue needs that timer only while something waits in it. And ten times a
 * second every connection looks for requests whose time is over, 0.05 % of a core: a tenth of that time is often enough.
 */
import { createRequire } from 'node:module';

const SEND_LOOP = 'scheduleCheckPendingRequests';
const TIMEOUT_LOOP = 'scheduleRequestTimeoutCheck';
/** kafkajs' own, and so the quickest. */
const LOOK_MS = 100;
const fixed = new WeakSet<object>();

/** What is used of kafkajs' queue of requests. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly inflight: ReadonlyMap<number, InFlight>;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  requestTimeoutIntervalId: NodeJS.Timeout | null;
  destroy(): void;
  isConnected(): boolean;
}

interface InFlight {
  readonly sentAt: number;
  readonly requestTimeout: number;
  timeoutRequest(): void;
}

/** Repeatable. False: this kafkajs has no such methods, nothing was changed and an idle connection costs its 1.5 %. */
export function fixKafkaIdleLoop(): boolean {
  const queue: unknown = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');
  const prototype: unknown = typeof queue === 'function' ? queue.prototype : null;
  if (typeof prototype !== 'object' || prototype === null) return false;
  if (fixed.has(prototype)) return true;
  const sendLoop: unknown = Reflect.get(prototype, SEND_LOOP);
  if (typeof sendLoop !== 'function' || typeof Reflect.get(prototype, TIMEOUT_LOOP) !== 'function') return false;
  Reflect.set(prototype, SEND_LOOP, function scheduleWhilePending(this: RequestQueue): void {
    if (this.pending.length > 0) sendLoop.call(this);
  });
  Reflect.set(prototype, TIMEOUT_LOOP, function lookSeldom(this: RequestQueue): void {
    if (!this.enforceRequestTimeout) return;
    this.destroy();
    this.requestTimeoutIntervalId = setInterval(
      () => endLateRequests(this),
      Math.max(LOOK_MS, this.requestTimeout / 10),
    );
  });
  fixed.add(prototype);
  return true;
}

function endLateRequests(queue: RequestQueue): void {
  const now = Date.now();
  for (const request of queue.inflight.values()) {
    if (now - request.sentAt > request.requestTimeout) request.timeoutRequest();
  }
  if (!queue.isConnected()) queue.destroy();
}

/**
 * Stops the idle loop of kafkajs 2.2.4 (tulios/kafkajs#1704): from its first answer on, every connection sets about
 * 900 timers a second, 1.5 % of a core, and Node warns of a negative timeout. The queue needs its timer only while
 * something waits in it, so that is made the condition. kafkajs is pinned and has no `exports` map.
 */
import { createRequire } from 'node:module';

const METHOD = 'scheduleCheckPendingRequests';
const fixed = new WeakSet<object>();

/** Repeatable. False: this kafkajs has no such method, nothing was changed and an idle connection costs its 1.5 %. */
export function fixKafkaIdleLoop(): boolean {
  const queue: unknown = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');
  const prototype: unknown = typeof queue === 'function' ? queue.prototype : null;
  if (typeof prototype !== 'object' || prototype === null) return false;
  if (fixed.has(prototype)) return true;
  const original: unknown = Reflect.get(prototype, METHOD);
  if (typeof original !== 'function') return false;
  Reflect.set(prototype, METHOD, function scheduleWhilePending(this: { pending: unknown[] }): void {
    if (this.pending.length > 0) original.call(this);
  });
  fixed.add(prototype);
  return true;
}

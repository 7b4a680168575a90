/** Waits for facts instead of for time. */
import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, in words: the error says it. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/** A machine that is busy with other things is slower than a quiet one, but not without end. */
const SLOWEST = 4;

/**
 * Asks until the fact is true and returns it. A fact that throws is asked again. The time is that of a quiet machine: on
 * a busy one each look takes longer, and there are as many.
 *
 * @throws Error naming `what`, the time, and the last thing seen, when the deadline passes.
 */
export async function waitFor<T>(
  fact: () => T | Promise<T>,
  { what, timeoutMs = 10_000, everyMs = 10 }: WaitOptions,
): Promise<Exclude<T, null | undefined | false>> {
  const began = performance.now();
  let seen: unknown;
  for (let looks = 1; ; looks += 1) {
    try {
      const value = await fact();
      if (isThere(value)) return value;
      seen = value;
    } catch (error) {
      seen = error;
    }
    const waited = performance.now() - began;
    if (waited > timeoutMs && (looks * everyMs > timeoutMs || waited > timeoutMs * SLOWEST)) {
      throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${String(seen)}`);
    }
    await pause(everyMs);
  }
}

function isThere<T>(value: T): value is Exclude<T, null | undefined | false> {
  return value !== false && value !== undefined && value !== null;
}

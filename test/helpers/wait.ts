/** Waits for facts instead of for time. */
import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, in words: the error says it. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/**
 * Asks until the fact is true and returns it. A fact that throws is asked again.
 *
 * @throws Error naming `what`, the time, and the last thing seen, when the deadline passes.
 */
export async function waitFor<T>(
  fact: () => T | Promise<T>,
  { what, timeoutMs = 10_000, everyMs = 10 }: WaitOptions,
): Promise<Exclude<T, null | undefined | false>> {
  const deadline = performance.now() + timeoutMs;
  let seen: unknown;
  for (;;) {
    try {
      const value = await fact();
      if (isThere(value)) return value;
      seen = value;
    } catch (error) {
      seen = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${String(seen)}`);
    await pause(everyMs);
  }
}

function isThere<T>(value: T): value is Exclude<T, null | undefined | false> {
  return value !== false && value !== undefined && value !== null;
}

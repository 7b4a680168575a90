/** What everybody else sees of an attack: one small request each 50 ms, to a target that answers at once. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { FromCanary, ToCanary } from '../helpers/canary-thread.ts';
import { cleanUp } from '../helpers/cleanup.ts';

type Taken = Extract<FromCanary, { type: 'taken' }>;

export interface Pulse {
  readonly requests: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Starts its target. */
export async function startCanary(): Promise<Canary> {
  const thread = new Worker(join(import.meta.dirname, '../helpers/canary-thread.ts'));
  cleanUp(async () => {
    await thread.terminate();
  });
  const [{ port }] = await once(thread, 'message');
  return new Canary(thread, `http://127.0.0.1:${port}`);
}

export class Canary {
  /** Of its target. */
  readonly url: string;
  wrong: readonly string[] = [];
  readonly #thread: Worker;

  constructor(thread: Worker, url: string) {
    this.#thread = thread;
    this.url = url;
  }

  /** `path`: one that a rule sends to its target. */
  sing(port: number, path: string): void {
    this.#post({ type: 'sing', port, path });
  }

  /** What has been measured since the last look. */
  async take(): Promise<Pulse> {
    this.#post({ type: 'take' });
    const [taken]: unknown[] = await once(this.#thread, 'message');
    const { times, wrong } = taken as Taken;
    this.wrong = wrong;
    const sorted = [...times].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    return { requests: sorted.length, medianMs: at(0.5), p99Ms: at(0.99) };
  }

  /** Of the next `ms` milliseconds alone. */
  async listen(ms: number): Promise<Pulse> {
    await this.take();
    await pause(ms);
    return this.take();
  }

  #post(message: ToCanary): void {
    this.#thread.postMessage(message);
  }
}

const LIMIT_MS = 100;
/** Where the machine alone makes an answer slow, that is no doing of the attack. */
const TIMES_CONTROL = 4;
/** With fewer, the 99th percentile is the slowest of all, which may be anybody's doing. */
const ENOUGH = 80;

/** Under 100 ms in the median and, of enough of them, at the 99th percentile, or, on a busy machine, near the control. */
export function expectAlive(canary: Canary, control: Pulse, attacked: Pulse, what: string): void {
  const show = ({ requests, medianMs, p99Ms }: Pulse): string =>
    `median ${medianMs.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms (${requests})`;
  process.stderr.write(`${what}: canary ${show(attacked)}; without: ${show(control)}\n`);
  expect(canary.wrong).toEqual([]);
  expect(attacked.requests).toBeGreaterThan(10);
  expect(attacked.medianMs).toBeLessThan(Math.max(LIMIT_MS, control.medianMs * TIMES_CONTROL));
  if (Math.min(attacked.requests, control.requests) < ENOUGH) return;
  expect(attacked.p99Ms).toBeLessThan(Math.max(LIMIT_MS, control.p99Ms * TIMES_CONTROL));
}

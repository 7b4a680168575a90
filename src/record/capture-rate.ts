/** `capture.rate`: so many failures a second are kept; what is beyond it is counted as lost and never reaches the disk. */
import type { Capture, CaptureResult } from '../exchange.ts';
import type { CaptureStore } from './capture.ts';

/** The store behind it, and where it is told what was not kept. */
export interface RatedStore extends CaptureStore {
  /** The file of a body that nobody will name. */
  drop(file: number): void;
  /** One more capture was given up for `capture.rate`. */
  countRateLoss(): void;
}

export class CaptureRate implements CaptureStore {
  readonly #store: RatedStore;
  readonly #perSecond: number;
  readonly #now: () => number;
  /** A bucket that holds what one second brings, and at least one. */
  #tokens: number;
  #filledAt: number;

  /** `perSecond`: above 0. `now`: monotonic milliseconds. */
  constructor(store: RatedStore, perSecond: number, now: () => number = () => performance.now()) {
    this.#store = store;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#tokens = Math.max(1, perSecond);
    this.#filledAt = now();
  }

  commit(capture: Capture, done: (result: CaptureResult) => void): void {
    if (this.#take()) {
      this.#store.commit(capture, done);
      return;
    }
    if (capture.body.kind === 'file') this.#store.drop(capture.body.file);
    this.#store.countRateLoss();
    done({ kind: 'failed', why: `more than ${this.#perSecond} failures a second (capture.rate)` });
  }

  #take(): boolean {
    const now = this.#now();
    const gained = (Math.max(0, now - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + gained);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** What is refused for load alone, before any work is done for it. */
import { Buffers } from './buffers.ts';
import type { Refusal } from './guard.ts';

export class Overload {
  inFlight = 0;
  /** Requests in flight over all listeners (`limits.inFlight`). */
  limit: number;
  /** What all exchanges hold in memory (`limits.bufferBytes`). */
  readonly buffers = new Buffers();
  /** `spool.required`: whether the spool is away, so that nothing may be accepted; null: that is not asked for. */
  closed: (() => boolean) | null = null;

  constructor(limit = 0) {
    this.limit = limit;
  }

  /** A place for one request, or why there is none. `leave` gives it back. */
  enter(): Refusal | null {
    if (this.closed?.()) {
      return { status: 503, kind: 'spool', detail: 'Requests are only taken while failures can be kept; try again.' };
    }
    if (this.inFlight >= this.limit) {
      return { status: 503, kind: 'inFlight', detail: `More than ${this.limit} requests are in flight; try again.` };
    }
    if (this.buffers.full) {
      return { status: 503, kind: 'buffers', detail: 'Too much waits for slow callers and targets; try again.' };
    }
    this.inFlight += 1;
    return null;
  }

  leave(): void {
    this.inFlight -= 1;
  }
}

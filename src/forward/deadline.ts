/**
 * Deadlines of attempts: one coarse clock that walks over those in flight, instead of timers for each request, which
 * cost a tenth of it. A deadline is met up to one tick late.
 */

export const TICK_MS = 100;

/** Something with deadlines, looked at once a tick. */
export interface Timed {
  check(tick: number): void;
}

/** Ticks that a time takes, rounded up, and one more: the tick that runs has begun already. 0: no limit. */
export function ticksOf(ms: number): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : Math.ceil(ms / TICK_MS) + 1;
}

export class Deadlines {
  tick = 0;
  private readonly active = new Set<Timed>();
  private timer: NodeJS.Timeout | null = null;

  add(timed: Timed): void {
    this.active.add(timed);
    this.timer ??= setInterval(() => this.advance(), TICK_MS);
  }

  remove(timed: Timed): void {
    this.active.delete(timed);
  }

  private advance(): void {
    this.tick += 1;
    for (const timed of this.active) timed.check(this.tick);
    if (this.active.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}

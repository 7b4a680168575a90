/** How long to wait before a thread that ended is started anew: longer each time, unless it had run well for a while. */

const FIRST_MS = 100;
const LONGEST_MS = 5000;
/** What ends by its own fault does so sooner. */
const STEADY_MS = 60_000;

export class RestartWait {
  private nextMs = FIRST_MS;

  /** `ranMs`: from its start to its end. */
  after(ranMs: number): number {
    const waitMs = ranMs >= STEADY_MS ? FIRST_MS : this.nextMs;
    this.nextMs = Math.min(waitMs * 2, LONGEST_MS);
    return waitMs;
  }
}

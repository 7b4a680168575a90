/** The one mirror that runs. Settings and spools change quickly: two relays on one spool would send all twice. */
import type { Mirror } from '../record/mirror.ts';

type Closable = Pick<Mirror, 'close'>;

export class MirrorSlot<M extends Closable> {
  private running: M | null = null;
  private newest = 0;
  private last: Promise<void> = Promise.resolve();

  /** null: none runs, or the next one is not ready yet. */
  get mirror(): M | null {
    return this.running;
  }

  /**
   * Ends the one that runs, and starts another when that has ended and `prepare` has; only the latest call starts
   * anything. `start` null: none.
   */
  replace<P>(prepare: () => Promise<P>, start: ((prepared: P) => M | null) | null): Promise<void> {
    this.newest += 1;
    const call = this.newest;
    // It is told to stop at once: what it reads may be closed by now.
    const ended = this.running?.close({ deadlineMs: 0 });
    this.running = null;
    this.last = this.last.then(async () => {
      await ended;
      if (start === null || call !== this.newest) return;
      const prepared = await prepare();
      if (call === this.newest) this.running = start(prepared);
    });
    return this.last;
  }

  end(): Promise<void> {
    return this.replace(async () => undefined, null);
  }
}

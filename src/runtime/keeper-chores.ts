/** What the keeper does for the spool beside committing: upkeep, expiry, and the move of records from older databases. */
import type { Spool } from '../record/spool.ts';

export interface ChoresOptions {
  /** null: it can't be had now. */
  readonly spool: () => Spool | null;
  /** Tries to open it. */
  readonly open: () => void;
  /** The upkeep went well: what has failed before may be over. */
  readonly maintained: () => void;
  /** Records have moved over, or are for the mirror now: it may have something to do. */
  readonly moved: () => void;
  /** A chore failed; the spool's own `fault` tells whether it can go on. */
  readonly failed: (error: unknown) => void;
}

const RETRY_MS = 1000;
const MAINTAIN_MS = 5000;

export class KeeperChores {
  private readonly options: ChoresOptions;
  private timer: NodeJS.Timeout | null = null;
  private slice: NodeJS.Immediate | null = null;

  constructor(options: ChoresOptions) {
    this.options = options;
  }

  /** After each opening, whether it went well or not. */
  start(): void {
    this.stop();
    const isOpen = this.options.spool() !== null;
    this.timer = setTimeout(() => this.tick(), isOpen ? MAINTAIN_MS : RETRY_MS);
    if (isOpen) this.soon();
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.slice !== null) clearImmediate(this.slice);
    this.timer = null;
    this.slice = null;
  }

  private tick(): void {
    const spool = this.options.spool();
    if (spool === null) {
      this.options.open();
      return;
    }
    this.attempt(() => {
      if (spool.fault !== null) throw spool.fault;
      spool.maintain();
      this.options.maintained();
    });
    // A failure may have opened another one, with a timer of its own.
    if (this.options.spool() !== spool) return;
    this.timer = setTimeout(() => this.tick(), MAINTAIN_MS);
    this.soon();
  }

  /** One slice of the work that there is, then what others wait for, then the next. */
  private soon(): void {
    if (this.slice !== null) return;
    this.slice = setImmediate(() => {
      this.slice = null;
      const spool = this.options.spool();
      if (spool === null || spool.fault !== null) return;
      this.attempt(() => {
        const moved = spool.moveSome() === 'moved';
        const enlisted = spool.enlistSome();
        if (moved || enlisted) this.options.moved();
        const expired = spool.expire();
        if (moved || enlisted || expired) this.soon();
      });
    });
  }

  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.failed(error);
    }
  }
}

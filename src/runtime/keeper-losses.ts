/** What is lost for `capture.rate` comes by the thousand: counted here, and written to the ledger once a second. */
import type { Spool } from '../record/spool.ts';

const WRITE_MS = 1000;

export class KeeperLosses {
  private readonly spool: () => Spool | null;
  private readonly failed: (error: unknown) => void;
  private waiting = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(spool: () => Spool | null, failed: (error: unknown) => void) {
    this.spool = spool;
    this.failed = failed;
  }

  add(count: number): void {
    this.waiting += count;
    this.timer ??= setTimeout(() => this.write(), WRITE_MS);
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.write();
  }

  private write(): void {
    this.timer = null;
    const { waiting } = this;
    const spool = this.spool();
    // Without a spool they are counted in the one that comes.
    if (waiting === 0 || spool === null) return;
    this.waiting = 0;
    try {
      spool.countLost('rate', waiting);
    } catch (error) {
      this.waiting += waiting;
      this.failed(error);
    }
  }
}

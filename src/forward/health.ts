/** Passive health of one URL: what live requests met there, no probes. Pure but for the clock it is given. */

export class Health {
  private readonly failures: number;
  private readonly openForMs: number;
  private readonly now: () => number;
  private row = 0;
  private until = 0;

  /** Out of the rotation for `openForMs` after `failures` failures in a row. */
  constructor(failures: number, openForMs: number, now: () => number = () => performance.now()) {
    this.failures = failures;
    this.openForMs = openForMs;
    this.now = now;
  }

  get healthy(): boolean {
    return this.until === 0 || this.now() >= this.until;
  }

  succeeded(): void {
    this.row = 0;
    this.until = 0;
  }

  failed(): void {
    this.row += 1;
    if (this.row >= this.failures) this.until = this.now() + this.openForMs;
  }
}

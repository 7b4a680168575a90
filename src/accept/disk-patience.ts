/**
 * How long a live upload may be held up by a disk that is slower than its caller: for a moment, and as long again as
 * it ran freely, so that it takes at most about twice its time. Then its copy is given up and it runs on.
 */
const START_MS = 250;
/** At a time: a disk that hangs is noticed soon. */
const PIECE_MS = 50;

export class DiskPatience {
  private readonly now: () => number;
  private leftMs = START_MS;
  /** When the latest wait ended. */
  private turnedAt: number;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.turnedAt = now();
  }

  /** A wait begins: for how many milliseconds at most; 0: none is left. */
  waitMs(): number {
    this.leftMs += this.turn();
    return Math.max(0, Math.min(PIECE_MS, this.leftMs));
  }

  /** The wait that began last is over. */
  ended(): void {
    this.leftMs -= this.turn();
  }

  private turn(): number {
    const before = this.turnedAt;
    this.turnedAt = this.now();
    return this.turnedAt - before;
  }
}

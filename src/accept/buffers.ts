/**
 * The bytes that the path holds for others: what a caller has sent and its target has not taken, what a target has
 * sent and its caller has not read. One budget for all of it (`limits.bufferBytes`), counted in plain numbers.
 *
 * Each exchange holds little, for what stands still on one side stands still on the other. Very many of them are what
 * the budget is for: near its end less is read ahead, at its end new requests are refused until there is room.
 */

/**
 * What a body takes as soon as more than one piece of it has come, while it streams: a piece in the parser's stream, one
 * in ours and one in the target's socket. One that comes byte by byte holds no more than has come of it.
 */
export const STREAM_BYTES = 192 * 1024;
/** What stands still in a target's socket while its caller reads slowly, beside what waits for the caller itself. */
export const BEHIND_BYTES = 64 * 1024;

export class Buffers {
  /** Bytes; may change with a reload. */
  limit: number;
  used = 0;
  /** From here on callers are read in turns. */
  bound = Number.POSITIVE_INFINITY;
  /** `used` has reached the bound. */
  above = false;
  /** Told when that changes. */
  onBound: ((above: boolean) => void) | null = null;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
  }

  /** Nothing new may come in. */
  get full(): boolean {
    return this.used >= this.limit;
  }

  /** Nothing is to be read before somebody wants it. */
  get tight(): boolean {
    return this.used >= this.limit / 2;
  }

  /** One holder has `after` bytes where it had `before`. Returns `after`. */
  change(before: number, after: number): number {
    this.used += after - before;
    if (this.used >= this.bound !== this.above) this.turn();
    return after;
  }

  private turn(): void {
    this.above = !this.above;
    this.onBound?.(this.above);
  }
}

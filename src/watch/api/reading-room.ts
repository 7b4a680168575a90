/**
 * How many bytes of records may be on their way to readers at a time. A record can be 64 MiB and its reader slow: what
 * finds no room waits for a moment, then is told to come again. One record goes out however large it is.
 */
import { Problem } from './problem.ts';

const WAIT_MS = 10_000;
const RETRY_AFTER_SECONDS = '2';

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

export class ReadingRoom {
  private readonly limit: () => number;
  private readonly waitMs: number;
  private used = 0;
  private readonly waiting: Waiting[] = [];

  /** `limit`: bytes; may change. */
  constructor(limit: () => number, waitMs = WAIT_MS) {
    this.limit = limit;
    this.waitMs = waitMs;
  }

  /** Resolves with what gives the room back, which may be called again. Rejects with Problem 503 when there is none in time. */
  async enter(bytes: number): Promise<() => void> {
    if (this.waiting.length > 0 || !this.hasRoom(bytes)) await this.wait(bytes);
    else this.used += bytes;
    let isInside = true;
    return () => {
      if (isInside) this.leave(bytes);
      isInside = false;
    };
  }

  private hasRoom(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.limit();
  }

  private wait(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        const detail = 'other records are being read, and memory is short; try again';
        reject(new Problem(503, detail, { 'retry-after': RETRY_AFTER_SECONDS }));
      }, this.waitMs);
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const waiting: Waiting = { bytes, enter };
      this.waiting.push(waiting);
    });
  }

  private leave(bytes: number): void {
    this.used -= bytes;
    for (;;) {
      const [next] = this.waiting;
      if (next === undefined || !this.hasRoom(next.bytes)) return;
      this.waiting.shift();
      this.used += next.bytes;
      next.enter();
    }
  }
}

/**
 * Who may use a listener, as a file lists them: one token or `user:password` a line, so that a new one can be there
 * before the old one goes. Only digests are kept: comparing them takes the same time whatever was given.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

const RECHECK_MS = 1000;
/** Every line is compared at each request. */
const MAX_BYTES = 64 * 1024;

export class Credentials {
  private readonly file: string;
  private readonly now: () => number;
  private digests: readonly Buffer[] = [];
  private stamp = '';
  private checkedAt = Number.NEGATIVE_INFINITY;

  /** `now`: milliseconds of a clock that never jumps. */
  constructor(file: string, now: () => number = () => performance.now()) {
    this.file = file;
    this.now = now;
  }

  /**
   * Reads the file again where it has changed: looked at once a second, and each time while it lets nobody in, as a
   * file that is just being written does. Throws Node's error, and RangeError for what is no such file; then, and
   * while it is empty, nobody is let in.
   */
  refresh(): void {
    const now = this.now();
    if (this.digests.length > 0 && now - this.checkedAt < RECHECK_MS) return;
    this.checkedAt = now;
    try {
      this.read();
    } catch (error) {
      this.digests = [];
      this.stamp = '';
      throw error;
    }
  }

  has(given: string): boolean {
    const digest = digestOf(given);
    let found = false;
    // Every line is compared: the time taken doesn't tell which one was nearly right.
    for (const each of this.digests) if (timingSafeEqual(each, digest)) found = true;
    return found;
  }

  get isEmpty(): boolean {
    return this.digests.length === 0;
  }

  private read(): void {
    // Taken before the file is read: a change in between is seen at the next look. Links are followed: Kubernetes swaps one.
    const stat = statSync(this.file, { bigint: true });
    if (!stat.isFile() || stat.size > MAX_BYTES) throw new RangeError('it is no file, or larger than 64 KiB');
    const stamp = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    if (stamp === this.stamp) return;
    const lines = readFileSync(this.file, 'utf8').split(/\r?\n/);
    this.digests = lines.filter((line) => line.trim() !== '').map((line) => digestOf(line.trim()));
    this.stamp = stamp;
  }
}

const digestOf = (text: string): Buffer => hash('sha256', text, 'buffer');

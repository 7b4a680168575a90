/**
 * Names to addresses: cached for a few seconds, one look-up a name at a time, two names at a time. libuv resolves on
 * its four threads; a name server that hangs must not take them all while the disk is needed.
 */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';

export type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;
export type LookupAll = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

const CACHE_MS = 5000;
const AT_ONCE = 2;

interface Entry {
  found: LookupAddress[];
  expires: number;
  waiting: ((error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void)[];
  turn: number;
  running: boolean;
}

export class Resolver {
  private readonly entries = new Map<string, Entry>();
  private readonly queue: string[] = [];
  private running = 0;
  private readonly resolve: LookupAll;
  private readonly now: () => number;

  /** `now`: milliseconds of a clock that never jumps. */
  constructor(
    resolve: LookupAll = (hostname, callback) => systemLookup(hostname, { all: true }, callback),
    now: () => number = () => performance.now(),
  ) {
    this.resolve = resolve;
    this.now = now;
  }

  /** For `net.connect({lookup})`: every address of the name, starting with another one each time. */
  readonly lookup = (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    this.find(hostname, (error, found) => {
      const [first] = found;
      if (error !== null || first === undefined) callback(error ?? notFound(hostname), []);
      else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };

  private find(hostname: string, done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void): void {
    const entry = this.entry(hostname);
    if (entry.found.length > 0 && this.now() < entry.expires) {
      entry.turn += 1;
      const found = rotate(entry.found, entry.turn);
      process.nextTick(done, null, found);
      return;
    }
    entry.waiting.push(done);
    if (entry.running) return;
    entry.running = true;
    this.queue.push(hostname);
    this.work();
  }

  private entry(hostname: string): Entry {
    let entry = this.entries.get(hostname);
    if (entry === undefined) {
      entry = { found: [], expires: 0, waiting: [], turn: 0, running: false };
      this.entries.set(hostname, entry);
    }
    return entry;
  }

  private work(): void {
    while (this.running < AT_ONCE) {
      const hostname = this.queue.shift();
      if (hostname === undefined) return;
      this.running += 1;
      this.resolve(hostname, (error, found) => this.found(hostname, error, found));
    }
  }

  private found(hostname: string, error: NodeJS.ErrnoException | null, found: LookupAddress[]): void {
    this.running -= 1;
    const entry = this.entry(hostname);
    entry.running = false;
    entry.found = error === null ? found : [];
    entry.expires = this.now() + CACHE_MS;
    const { waiting } = entry;
    entry.waiting = [];
    for (const done of waiting) done(error, entry.found);
    this.work();
  }
}

function rotate(found: readonly LookupAddress[], turn: number): LookupAddress[] {
  const start = turn % found.length;
  return [...found.slice(start), ...found.slice(0, start)];
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' });
}

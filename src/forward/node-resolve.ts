/**
 * Names to addresses: cached for a few seconds, one look-up a name at a time, two names at a time, because libuv has
 * no more threads for them. A name server that hangs delays nobody who has had an answer before, and those who have
 * not only until the name servers have been asked without the system (node-names.ts).
 */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { createNames } from './node-names.ts';

export type { LookupAddress } from 'node:dns';

export type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;
type Found = (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void;
export type LookupAll = (hostname: string, callback: Found) => void;

export interface ResolverOptions {
  /** Milliseconds of a clock that never jumps. */
  readonly now?: () => number;
  /** Asked beside the system when that is slow; null: nobody is. */
  readonly names?: LookupAll | null;
  /** Asked for the names of `passHosts`, in place of the system. */
  readonly pastHosts?: LookupAll;
}

const CACHE_MS = 5000;
const AT_ONCE = 2;
/** A look-up takes a few milliseconds; one that takes so long hangs, or waits for others that do. */
const SLOW_MS = 250;
/** The name is gone. After any other error its last addresses are worth more than none. */
const GONE = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA']);

class Entry {
  /** The last that was found, for use until `expires`, and after that while nothing newer is to be had. */
  found: LookupAddress[] = [];
  expires = 0;
  turn = -1;
  /** The system is asked, or will be. */
  running = false;
  /** Until all of `waiting` have their answer. */
  slow: NodeJS.Timeout | null = null;
  private waiting: Found[] = [];

  get isWaitedFor(): boolean {
    return this.waiting.length > 0;
  }

  wait(done: Found): void {
    this.waiting.push(done);
  }

  settle(error: NodeJS.ErrnoException | null): void {
    if (this.slow !== null) clearTimeout(this.slow);
    this.slow = null;
    const { waiting } = this;
    this.waiting = [];
    for (const done of waiting) done(error, error === null ? this.next() : []);
  }

  /** Every address gets its turn to be the first. */
  next(): LookupAddress[] {
    this.turn += 1;
    const start = this.turn % Math.max(1, this.found.length);
    return [...this.found.slice(start), ...this.found.slice(0, start)];
  }
}

export class Resolver {
  private readonly entries = new Map<string, Entry>();
  private readonly queue: string[] = [];
  private running = 0;
  private readonly system: LookupAll;
  private readonly names: LookupAll | null;
  private readonly pastHosts: LookupAll;
  private readonly now: () => number;
  private passed = new Set<string>();

  constructor(
    system: LookupAll = (hostname, callback) => systemLookup(hostname, { all: true }, callback),
    {
      now = () => performance.now(),
      names = createNames(),
      pastHosts = createNames({ hosts: null }),
    }: ResolverOptions = {},
  ) {
    this.system = system;
    this.names = names;
    this.pastHosts = pastHosts;
    this.now = now;
  }

  /**
   * Names that the hosts file sends to this process: for targets it does not count, or they would be reached by nobody
   * but ourselves. The name servers alone are asked for these.
   */
  passHosts(names: readonly string[]): void {
    const passed = new Set(names.map(plainName));
    // What was found the other way is of another place.
    for (const name of this.entries.keys()) if (passed.has(plainName(name)) !== this.isPassed(name)) this.forget(name);
    this.passed = passed;
  }

  private isPassed(hostname: string): boolean {
    return this.passed.size > 0 && this.passed.has(plainName(hostname));
  }

  private forget(hostname: string): void {
    const entry = this.entries.get(hostname);
    if (entry === undefined) return;
    entry.found = [];
    entry.expires = 0;
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

  private find(hostname: string, done: Found): void {
    const entry = this.entry(hostname);
    if (entry.found.length > 0 && this.now() < entry.expires) {
      process.nextTick(done, null, entry.next());
      return;
    }
    entry.wait(done);
    entry.slow ??= setTimeout(() => this.isSlow(hostname, entry), SLOW_MS);
    if (entry.running) return;
    entry.running = true;
    this.queue.push(hostname);
    this.work();
  }

  private entry(hostname: string): Entry {
    let entry = this.entries.get(hostname);
    if (entry === undefined) {
      entry = new Entry();
      this.entries.set(hostname, entry);
    }
    return entry;
  }

  private work(): void {
    while (this.running < AT_ONCE) {
      const hostname = this.queue.shift();
      if (hostname === undefined) return;
      this.running += 1;
      const ask = this.isPassed(hostname) ? this.pastHosts : this.system;
      ask(hostname, (error, found) => this.answered(hostname, error, found));
    }
  }

  private answered(hostname: string, error: NodeJS.ErrnoException | null, found: LookupAddress[]): void {
    this.running -= 1;
    const entry = this.entry(hostname);
    entry.running = false;
    if (error === null) this.keep(entry, found);
    else this.failed(entry, error);
    this.work();
  }

  private failed(entry: Entry, error: NodeJS.ErrnoException): void {
    if (GONE.has(error.code ?? '')) entry.found = [];
    entry.settle(entry.found.length > 0 ? null : error);
  }

  private keep(entry: Entry, found: LookupAddress[]): void {
    entry.found = found;
    entry.expires = this.now() + CACHE_MS;
    entry.settle(null);
  }

  /** What was found before is used meanwhile; the name servers are asked in any case, for it may be outdated. */
  private isSlow(hostname: string, entry: Entry): void {
    if (entry.found.length > 0) entry.settle(null);
    if (this.isPassed(hostname)) return;
    this.names?.(hostname, (error, found) => {
      // Their "no such name" counts for little: the system knows of more places to look.
      if (error === null && found.length > 0 && (entry.running || entry.isWaitedFor)) this.keep(entry, found);
    });
  }
}

/** The same, with an error named ETIMEOUT after `ms` without an answer; 0: as it is. */
export function withinMs(lookup: Resolver['lookup'], ms: number): Resolver['lookup'] {
  if (ms <= 0) return lookup;
  return (hostname, options, callback) => {
    let answered = false;
    const answer: LookupCallback = (...result) => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      callback(...result);
    };
    const timer = setTimeout(() => answer(timedOut(hostname), []), ms);
    lookup(hostname, options, answer);
  };
}

/** As DNS compares names: in any case, and a dot at the end says nothing here. */
function plainName(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, '');
}

function timedOut(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no answer from a name server for ${hostname}`), { code: 'ETIMEOUT' });
}

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' });
}

/**
 * The connections of all listeners together: how many there may be (`limits.connections`), as far as the process may
 * open that many files, and what their unfinished heads hold of memory. A connection without a seat is closed at once.
 *
 * The system refuses a connection that there is no descriptor for without a word, and may ask about it again and again;
 * so that point is never reached: some are left for targets, the spool and whoever looks at the process.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { Buffers } from './buffers.ts';
import { Connection } from './node-connection.ts';
import { Turns } from './node-turns.ts';

/** For the spool, its bodies, Kafka, metrics, the admin API, and connections to targets that wait to be used again. */
const OTHER_FILES = 256;
/** Of few, three quarters. */
const SHARE = 0.75;
/** The parser's texts of an unfinished head take about as much again as its bytes. */
const HEAD_FACTOR = 2;
/** Where memory is short, an unfinished head below it is no cause. */
const LARGE_HEAD_BYTES = 2048;

export interface SeatsOptions {
  /** Files that the process may have open. */
  readonly files: number;
  /** Requests in flight: each may need a connection to its target. */
  readonly inFlight: () => number;
  /** Where unfinished heads count. */
  readonly buffers: Buffers;
}

export class Seats {
  /** `limits.connections`; may change with a reload. */
  limit = Number.POSITIVE_INFINITY;
  private readonly options: SeatsOptions | null;
  private readonly files: number;
  private taken = 0;
  private readonly callers = new Set<Socket>();
  private heads = 0;
  readonly turns: Turns;

  constructor(options: SeatsOptions | null = null) {
    this.options = options;
    this.turns = new Turns(options?.buffers ?? new Buffers(), this.callers);
    const files = options?.files ?? Number.POSITIVE_INFINITY;
    this.files = Math.floor(Math.max(files - OTHER_FILES, files * SHARE));
  }

  get hasRoom(): boolean {
    return this.problem === '';
  }

  /** Why there is no seat, for people; '' when there is. */
  get problem(): string {
    const { taken } = this;
    if (taken >= this.limit) return `More than ${this.limit} connections are open.`;
    if (this.options === null || taken + this.options.inFlight() < this.files) return '';
    return `The ${this.options.files} files that this process may have open are nearly used up (ulimit -n).`;
  }

  take(socket: Socket): void {
    this.taken += 1;
    socket.on('close', () => {
      this.taken -= 1;
    });
  }

  /** Heads will come on it. */
  watch(socket: Socket): void {
    this.callers.add(socket);
    this.turns.arrived(socket);
    socket.on('close', () => {
      this.callers.delete(socket);
      this.turns.closed(socket);
    });
  }

  /**
   * Counts what unfinished heads hold. Where memory is short, the large ones are given up: their connections are
   * closed, and `cut` is told of each.
   */
  sweep(cut: (socket: Socket) => void): void {
    if (this.options === null) return;
    const { buffers } = this.options;
    let heads = 0;
    for (const socket of this.callers) heads += Connection.unfinished(socket) * HEAD_FACTOR;
    this.heads = buffers.change(this.heads, heads);
    // Where others fill it, heads are no cause.
    if (!buffers.full || heads < buffers.limit / 2) return;
    for (const socket of this.callers) {
      const bytes = Connection.unfinished(socket);
      if (bytes < LARGE_HEAD_BYTES) continue;
      heads -= bytes * HEAD_FACTOR;
      cut(socket);
      socket.destroy();
    }
    this.heads = buffers.change(this.heads, heads);
  }
}

/** How many files this process may have open, as the kernel says; without its word there is no limit. */
export function filesLimit(path = '/proc/self/limits'): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync(path, 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // Another system.
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * Reading in turns. Every connection of a caller may bring a piece of 64 KiB at the same moment, before anybody has
 * looked at one of them: 200 connections fill a small container with what they bring at once. From a bound on, the
 * connections that are between two requests are not read; as room comes, each gets its turn, the longest waiting
 * first. What is not read waits in the kernel, and its sender with it.
 */
import type { Socket } from 'node:net';
import type { Buffers } from './buffers.ts';
import { Connection } from './node-connection.ts';

/** What the system reads of a connection at a time. */
const PIECE_BYTES = 64 * 1024;
const LOOK_MS = 10;
/** Slow targets may hold all there is up to the bound: while there is time one more is read all the same at each look. */
const BUSY = 0.5;
/** More than one where all that is there is small: many such wait for slow targets. */
const SMALL_BYTES = 8 * 1024;
const SMALL_TURNS = 16;
/** No room has come for so long: what holds it all stands still, and who waits behind it is to hear so (503). */
const STALLED_MS = 1000;

export class Turns {
  /** Connections wait for their turn, and new ones begin by waiting. */
  on = false;
  private readonly buffers: Buffers;
  private readonly callers: ReadonlySet<Socket>;
  /** In the order in which they began to wait. */
  private readonly waiting = new Set<Socket>();
  private timer: NodeJS.Timeout | null = null;
  private utilization = performance.eventLoopUtilization();
  /** When somebody last got a turn because there was room. */
  private movedAt = 0;

  constructor(buffers: Buffers, callers: ReadonlySet<Socket>) {
    this.buffers = buffers;
    this.callers = callers;
    buffers.onBound = (above) => {
      if (above) this.begin();
      else if (this.on) setImmediate(() => this.relieve());
    };
  }

  /** A connection was made. Node begins to read it at the end of this turn, whoever pauses it before. */
  arrived(socket: Socket): void {
    if (this.on) setImmediate(() => this.hold(socket));
  }

  /** Its requests have been answered. */
  rested(socket: Socket): void {
    if (this.on) this.hold(socket);
  }

  closed(socket: Socket): void {
    this.waiting.delete(socket);
  }

  /** Everything is read: whoever closes idle connections must not cut a request that nobody has read. */
  end(): void {
    // For good: a reload sets another bound.
    this.buffers.onBound = null;
    this.next(this.waiting.size);
  }

  private begin(): void {
    this.on = true;
    this.movedAt = performance.now();
    this.timer ??= setInterval(() => this.look(), LOOK_MS).unref();
    for (const socket of this.callers) this.hold(socket);
  }

  private hold(socket: Socket): void {
    if (!this.on || this.waiting.has(socket) || socket.destroyed || !Connection.isResting(socket)) return;
    socket.pause();
    this.waiting.add(socket);
  }

  private look(): void {
    const before = this.utilization;
    this.utilization = performance.eventLoopUtilization();
    if (!this.buffers.above) return this.relieve();
    const { utilization } = performance.eventLoopUtilization(this.utilization, before);
    const hasTime = utilization < BUSY && !this.buffers.full;
    if (hasTime) this.movedAt = performance.now();
    if (hasTime || performance.now() - this.movedAt > STALLED_MS) this.next(this.isSmall ? SMALL_TURNS : 1);
  }

  /** By what each connection that has had its turn holds. */
  private get isSmall(): boolean {
    return this.buffers.used < (this.callers.size - this.waiting.size) * SMALL_BYTES;
  }

  private relieve(): void {
    const { bound, used } = this.buffers;
    this.movedAt = performance.now();
    this.next(Math.ceil((bound - used) / PIECE_BYTES));
  }

  private next(count: number): void {
    let left = count;
    for (const socket of this.waiting) {
      if (left <= 0) break;
      left -= 1;
      this.waiting.delete(socket);
      socket.resume();
    }
    if (this.waiting.size > 0) return;
    this.on = false;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }
}

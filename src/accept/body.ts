/**
 * A request's body: read once from the caller, copied, and fed to each attempt. The caller's stream is never handed
 * to the client library: on an early answer or a reset that would destroy it, and the rest could not be kept.
 */

import type { Readable } from 'node:stream';
import { type Buffers, STREAM_BYTES } from './buffers.ts';
import { chunkPassed } from './chunk-garbage.ts';
import { Chunks } from './chunks.ts';
import { Copy, type CopyPolicy } from './copy.ts';
import { DiskWait } from './disk-patience.ts';
import { type BodySource, Feed } from './feed.ts';

/** Who is told what the body does. */
export interface BodyOwner {
  /** The body is wholly in memory, or has to be streamed: an attempt can start. Once. */
  bodyReady(): void;
  /** It will never be whole, and the caller is to hear why: see `fault`. Once, after `bodyReady`. */
  bodyFailed(): void;
}

/** Why reading stopped early: too large, too slow, or no HTTP. */
export type BodyFault = 'tooLarge' | 'idle' | 'broken';

/** How long the body may stand still while somebody waits for it. */
export interface BodyLimits {
  readonly idleMs: number;
  /** 0: no limit. */
  readonly maxBytes: number;
}

export type BodyState = 'reading' | 'complete' | 'gone';

const NO_CHUNKS = new Chunks();
/** Bytes that are read before anybody wants them. */
const MOST_AHEAD = 65_536;

export class RequestBody {
  /** Bytes announced by Content-Length; null: chunked. */
  readonly length: number | null;
  state: BodyState;
  received = 0;
  /** For a refusal; null: none. */
  fault: BodyFault | null = null;
  private readonly source: BodySource;
  private readonly limits: BodyLimits;
  private readonly askForBody: (() => void) | null;
  private copy: Copy;
  private owner: BodyOwner | null = null;
  private isReady = false;
  private early: Chunks | null = new Chunks();
  private feed: Feed | null = null;
  /** Fed no more, but still held by an attempt whose answer is read. */
  private stopped: Feed | null = null;
  private onSettled: (() => void) | null = null;
  private idleTimer: NodeJS.Timeout | null = null;
  private restTimer: NodeJS.Timeout | null = null;
  private asked = false;
  private disk: DiskWait | null = null;
  private buffers: Buffers | null = null;
  /** Of the budget. */
  private held = 0;

  /** `askForBody`: sends `100 Continue` to a caller who waits for it; null when nobody does. */
  constructor(source: BodySource, length: number | null, limits: BodyLimits, askForBody: (() => void) | null) {
    this.source = source;
    this.length = length;
    this.limits = limits;
    this.askForBody = askForBody;
    this.copy = new Copy(null);
    this.state = length === 0 ? 'complete' : 'reading';
  }

  /** What comes is copied as the policy says; null, or never called: not at all. Before `open`. */
  copyTo(policy: CopyPolicy | null): void {
    this.copy = new Copy(policy);
  }

  /** Starts reading; `owner.bodyReady` follows, at once where there is no body. `buffers`: where its bytes count. */
  open(owner: BodyOwner, buffers: Buffers | null = null): void {
    this.owner = owner;
    this.buffers = buffers;
    if (this.state !== 'reading' || this.fault !== null || this.askForBody !== null) return this.ready();
    // Short of memory, what will not fit into it is not read before the target wants it.
    if (buffers?.tight === true && this.length !== null && this.length > MOST_AHEAD) {
      this.hold(MOST_AHEAD);
      return this.ready();
    }
    this.source.resume();
    // What came in the same segment as the head arrives before the check phase: most small bodies need no stream.
    setImmediate(readyIfWaiting, this);
  }

  // ── called by the listener ──

  push(chunk: Uint8Array): void {
    if (this.state !== 'reading' || this.fault !== null) return;
    this.received += chunk.length;
    this.hold(this.received > MOST_AHEAD ? STREAM_BYTES : this.received);
    chunkPassed(chunk.length);
    if (this.limits.maxBytes > 0 && this.received > this.limits.maxBytes) return this.fail('tooLarge');
    this.idleTimer?.refresh();
    this.copy.add(chunk);
    if (this.copy.busy) {
      this.disk ??= new DiskWait(this);
      // An upload that has failed has all its time: only the disk wakes it, or the end of `readRest`.
      this.disk.begin(this.copy, this.restTimer === null);
    }
    if (this.feed !== null) {
      if (!this.feed.push(chunk)) this.pause();
    } else if (this.early !== null) {
      this.early.add(chunk);
      if (this.received > MOST_AHEAD) this.pause();
    }
  }

  end(): void {
    if (this.state !== 'reading') return;
    this.state = 'complete';
    this.stopTimer();
    this.feed?.push(null);
    this.ready();
    this.holdRest();
    this.settle();
  }

  /** The caller went away in the middle. */
  lost(): void {
    if (this.state !== 'reading') return;
    this.state = 'gone';
    this.stopTimer();
    this.feed?.destroy();
    this.settle();
  }

  /** It will never be whole. */
  broken(fault: BodyFault): void {
    if (this.state === 'reading' && this.fault === null) this.fail(fault);
  }

  // ── called by the path ──

  /** null: no body; bytes: all of it; a stream: it is still coming. Call once an attempt; see `replayable`. */
  content(): Uint8Array | Readable | null {
    if (this.length === 0) return null;
    const chunks = this.early ?? this.copy.inMemory() ?? NO_CHUNKS;
    if (this.state === 'complete') return chunks.whole();
    this.feed = new Feed(this);
    for (const chunk of chunks.list()) this.feed.push(chunk);
    this.early = null;
    return this.feed;
  }

  /** Whether a further attempt can be sent the whole body. */
  get replayable(): boolean {
    return this.length === 0 || this.early !== null || this.copy.inMemory() !== null;
  }

  /** The copy, for a record. */
  kept(): Copy {
    return this.copy;
  }

  /** Nobody is fed any more: an attempt is over. What still comes is only copied. */
  detach(): void {
    this.feed?.destroy();
    this.feed = null;
  }

  /** The attempt has not asked for more, though it was given some. */
  get backedUp(): boolean {
    return this.feed !== null && this.feed.readableLength > 0;
  }

  /** A caller waits for `100 Continue` and has not been sent one: nothing of the body will come. */
  get unasked(): boolean {
    return this.state === 'reading' && this.askForBody !== null && !this.asked;
  }

  /** The upload stops where it is; the attempt goes on and its answer is read. */
  stopFeeding(): void {
    this.stopped = this.feed;
    this.feed = null;
  }

  /**
   * Reads the rest for the copy alone, until it is complete, the caller is gone or `waitMs` is over; then `done`,
   * once. A caller who waits for `100 Continue` gets one.
   */
  readRest(waitMs: number, done: () => void): void {
    this.detach();
    this.early = null;
    this.holdRest();
    if (this.state !== 'reading' || this.fault !== null) return done();
    this.restTimer = setTimeout(onRestOver, waitMs, this);
    this.onSettled = done;
    this.demand();
  }

  /** More may come, and whoever sends it would not notice an answer before it has sent it. */
  get isComing(): boolean {
    return this.state === 'reading' && !this.unasked && this.fault !== 'idle' && this.fault !== 'broken';
  }

  /** Reads what is still to come and drops it, for `waitMs` at most; then `done`, once. */
  drop(waitMs: number, done: () => void): void {
    this.detach();
    this.early = null;
    this.disk?.stop();
    this.copy.release();
    this.copy = new Copy(null);
    this.hold(0);
    this.buffers = null;
    this.restTimer = setTimeout(onRestOver, waitMs, this);
    this.onSettled = done;
    this.source.resume();
  }

  release(): void {
    this.stopTimer();
    clearTimeout(this.restTimer ?? undefined);
    this.disk?.stop();
    this.owner = null;
    this.detach();
    this.stopped?.destroy();
    this.stopped = null;
    this.early = null;
    this.onSettled = null;
    this.copy.release();
    this.hold(0);
  }

  /** More bytes are wanted. */
  demand(): void {
    if (this.state !== 'reading') return;
    if (!this.asked) {
      this.asked = true;
      this.askForBody?.();
    }
    if (this.disk?.isOn === true) return;
    this.idleTimer ??= setTimeout(onIdle, this.limits.idleMs, this);
    this.source.resume();
  }

  /** @internal */
  ready(): void {
    if (this.isReady || this.owner === null) return;
    this.isReady = true;
    this.owner.bodyReady();
  }

  /** @internal Whoever waits for the rest hears that there is no more to wait for. */
  settle(): void {
    const { onSettled } = this;
    this.onSettled = null;
    clearTimeout(this.restTimer ?? undefined);
    onSettled?.();
  }

  /** @internal The attempt's library let go of the feed. */
  feedClosed(feed: Feed): void {
    if (this.feed === feed) this.feed = null;
    this.holdRest();
  }

  /** @internal Nothing is read for now. */
  pause(): void {
    this.source.pause();
    this.stopTimer();
  }

  private fail(fault: BodyFault): void {
    this.fault = fault;
    this.stopTimer();
    this.copy.truncated = true;
    this.settle();
    if (this.isReady) this.owner?.bodyFailed();
    else this.ready();
    this.detach();
  }

  /** Once it streams no more, what is kept of it for a further attempt or a record; none of that is in a file. */
  private holdRest(): void {
    if (this.state !== 'complete' || this.feed !== null) return;
    this.hold(this.early !== null || this.copy.inMemory() !== null ? this.received : 0);
  }

  private hold(bytes: number): void {
    if (this.buffers !== null) this.held = this.buffers.change(this.held, bytes);
  }

  private stopTimer(): void {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
  }
}

const readyIfWaiting = (body: RequestBody): void => body.ready();
const onIdle = (body: RequestBody): void => body.broken('idle');
const onRestOver = (body: RequestBody): void => body.settle();

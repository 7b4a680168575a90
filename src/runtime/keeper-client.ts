/**
 * The path thread's side of the keeper: hands over captures and bodies, and goes on without it. A keeper that crashed
 * is started anew; what it had not answered counts as failed.
 */
import type { Buffers } from '../accept/buffers.ts';
import type { CopyFiles } from '../accept/copy.ts';
import type { Capture, CaptureResult } from '../exchange.ts';
import type { RatedStore } from '../record/capture-rate.ts';
import type { LogLine } from '../watch/log-line.ts';
import type { SeriesDefinition } from '../watch/meter.ts';
import { packCaptures } from './capture-pack.ts';
import type { FromKeeper, ToKeeper } from './keeper-protocol.ts';

/** A running keeper: a worker thread, or a fake of one in a test. */
export interface KeeperThread {
  post(message: ToKeeper): void;
}

/** Captures that are worth a message, and a commit, of their own. */
const GROUP = 32;
/** So are such large ones: what waits in a message is there a second time. */
const GROUP_BYTES = 512 * 1024;

interface Pending {
  readonly done: (result: CaptureResult) => void;
  readonly bytes: number;
}

export class KeeperClient implements RatedStore, CopyFiles {
  /** Bytes of bodies that may wait for the disk; from half of it on, writers are `busy`. */
  backlogBytes = 0;
  /** Whether the spool is there, on a volume that keeps what is written. */
  spoolUsable = false;
  /** Where captures count that wait for the disk: while it is behind, fewer callers are read. */
  buffers: Buffers | null = null;
  private thread: KeeperThread | null = null;
  /** Bytes of captures that may wait for the disk: one that hangs must not fill the memory. */
  captureBytes = Number.POSITIVE_INFINITY;
  private readonly pending = new Map<string, Pending>();
  private waitingBytes = 0;
  private batch: Capture[] = [];
  private batchBytes = 0;
  private lines: LogLine[] = [];
  private series: SeriesDefinition[] = [];
  private rateLosses = 0;
  private scheduled = false;
  private files = 0;
  /** Of an earlier keeper: the one that runs has not seen their beginning. */
  private lostFiles = 0;
  private readonly failedFiles = new Set<number>();
  private backlog = 0;
  private draining: (() => void)[] = [];

  attach(thread: KeeperThread): void {
    this.thread = thread;
    this.lostFiles = this.files;
    this.failedFiles.clear();
  }

  /** The keeper is gone: nobody waits for it any longer. */
  detach(why: string): void {
    this.thread = null;
    this.spoolUsable = false;
    this.backlog = 0;
    const pending = [...this.pending.values()];
    this.pending.clear();
    this.batch = [];
    this.batchBytes = 0;
    this.buffers?.change(this.waitingBytes, 0);
    this.waitingBytes = 0;
    for (const { done } of pending) done({ kind: 'failed', why });
    this.wakeWriters();
  }

  commit(capture: Capture, done: (result: CaptureResult) => void): void {
    if (this.thread === null) {
      done({ kind: 'failed', why: 'the keeper thread is not running' });
      return;
    }
    const bytes = bytesOf(capture);
    if (this.waitingBytes > 0 && this.waitingBytes + bytes > this.captureBytes) {
      this.giveUp(capture);
      done({ kind: 'failed', why: `the disk is too slow: ${this.waitingBytes} bytes of other captures wait for it` });
      return;
    }
    this.waitingBytes += bytes;
    this.buffers?.change(0, bytes);
    this.pending.set(capture.id, { done, bytes });
    this.batch.push(capture);
    this.batchBytes += bytes;
    // With the first of a great many the keeper begins while the rest of them come.
    if (this.batch.length >= GROUP || this.batchBytes >= GROUP_BYTES) this.flush();
    else this.schedule();
  }

  open(): number | null {
    if (this.thread === null) return null;
    this.files += 1;
    return this.files;
  }

  write(file: number, chunk: Uint8Array): 'ok' | 'busy' | 'gone' {
    if (this.thread === null || file <= this.lostFiles || this.failedFiles.delete(file)) return 'gone';
    this.backlog += chunk.length;
    if (this.backlog > this.backlogBytes) {
      this.backlog -= chunk.length;
      this.drop(file);
      return 'gone';
    }
    this.thread.post({ type: 'body', file, chunk });
    return this.backlog > this.backlogBytes / 2 ? 'busy' : 'ok';
  }

  drop(file: number): void {
    this.failedFiles.delete(file);
    this.thread?.post({ type: 'dropBody', file });
  }

  drained(done: () => void): void {
    if (this.thread === null || this.backlog <= this.backlogBytes / 4) done();
    else this.draining.push(done);
  }

  countRateLoss(): void {
    this.rateLosses += 1;
    if (this.thread !== null) this.schedule();
  }

  /** False: there is no keeper to write it, or its disk hangs and lines must not pile up. */
  log(line: LogLine): boolean {
    if (this.thread === null || this.waitingBytes > this.captureBytes / 2) return false;
    this.lines.push(line);
    this.schedule();
    return true;
  }

  publish(definition: SeriesDefinition): void {
    if (this.thread === null) return;
    this.series.push(definition);
    this.schedule();
  }

  /** What the keeper says about captures and bodies; anything else is not for the client. */
  receive(message: FromKeeper): void {
    if (message.type === 'results') {
      for (const [id, result] of message.results) this.settle(id, result);
    } else if (message.type === 'written') {
      this.backlog = Math.max(0, this.backlog - message.bytes);
      if (this.backlog <= this.backlogBytes / 4) this.wakeWriters();
    } else if (message.type === 'bodyFailed') {
      this.failedFiles.add(message.file);
    } else if (message.type === 'spool') {
      this.spoolUsable = message.usable;
    }
  }

  /** Everything that waits to be posted goes now. */
  flush(): void {
    this.scheduled = false;
    const { thread } = this;
    if (thread === null) return;
    const { series, batch, lines } = this;
    this.series = [];
    this.batch = [];
    this.batchBytes = 0;
    this.lines = [];
    if (series.length > 0) thread.post({ type: 'series', definitions: series });
    if (batch.length > 0) thread.post({ type: 'captures', captures: packCaptures(batch) });
    if (this.rateLosses > 0) thread.post({ type: 'rateLoss', count: this.rateLosses });
    this.rateLosses = 0;
    if (lines.length > 0) thread.post({ type: 'log', lines });
  }

  /** The file of its body was to be the record's: there will be none. */
  private giveUp({ body }: Capture): void {
    if (body.kind === 'file') this.drop(body.file);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    // One message for all that fails in the same turn: a message costs more than what is in it.
    setImmediate(() => this.flush());
  }

  private settle(id: string, result: CaptureResult): void {
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    this.pending.delete(id);
    this.waitingBytes -= pending.bytes;
    this.buffers?.change(pending.bytes, 0);
    pending.done(result);
  }

  private wakeWriters(): void {
    const { draining } = this;
    this.draining = [];
    for (const done of draining) done();
  }
}

/** Of a capture without any text: its objects here and there. */
const CAPTURE_BYTES = 2048;

/** What it takes while it waits, about. */
function bytesOf({ head, body, response }: Capture): number {
  const kept = body.kind === 'memory' ? body.bytes.length : 0;
  const answer = response === null ? 0 : response.body.length + textBytes(response.rawHeaders);
  return CAPTURE_BYTES + head.uri.length + textBytes(head.rawHeaders) + kept + answer;
}

function textBytes(texts: readonly string[]): number {
  let bytes = 0;
  for (const { length } of texts) bytes += length;
  return bytes;
}

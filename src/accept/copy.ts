/**
 * The copy of a live body. Whether an exchange fails is known at its end, so every body is kept until then: up to
 * 64 KiB in memory, larger ones (or any when the memory is used up) as a sealed file that the keeper writes. When
 * neither suffices the copy is given up, never the request.
 */
import type { BodyCopy } from '../exchange.ts';
import { Chunks } from './chunks.ts';

/** Where copies become files. The path thread's side of the keeper; calls never block and never throw. */
export interface CopyFiles {
  /** Starts a file and returns its number, or null when there is no keeper. */
  open(): number | null;
  /**
   * `busy`: taken, but much is waiting for the disk; wait for `drained` if you can.
   * `gone`: given up (too much was waiting, the quota is used up or the disk failed); the file is dropped.
   */
  write(file: number, chunk: Uint8Array): 'ok' | 'busy' | 'gone';
  drop(file: number): void;
  /** Calls back, once, when no longer busy. */
  drained(done: () => void): void;
}

/** Bytes that all copies of live bodies may hold in memory together (`capture.memory`). */
export class CopyMemory {
  /** Bytes; may change with a reload. */
  limit: number;
  used = 0;
  constructor(limit = 0) {
    this.limit = limit;
  }
  take(bytes: number): boolean {
    if (this.used + bytes > this.limit) return false;
    this.used += bytes;
    return true;
  }
  give(bytes: number): void {
    this.used -= bytes;
  }
}

export interface CopyPolicy {
  readonly memory: CopyMemory;
  readonly files: CopyFiles;
  /** Bytes of one request that are kept at most (`capture.body`). */
  readonly limit: number;
}

/** A copy this large stays in memory; a larger one is a file. */
export const MEMORY_COPY_BYTES = 65_536;

export class Copy {
  private readonly policy: CopyPolicy | null;
  private readonly chunks = new Chunks();
  private file: number | null = null;
  private total = 0;
  /** Something of the body is missing from the copy. */
  truncated = false;
  /** The disk is behind: whoever can wait should, see `drained`. */
  busy = false;

  /** `policy` null: no copy is wanted; a body counts as not kept. */
  constructor(policy: CopyPolicy | null) {
    this.policy = policy;
  }

  add(chunk: Uint8Array): void {
    this.total += chunk.length;
    if (this.truncated) return;
    if (this.policy === null || this.total > this.policy.limit) {
      this.truncated = true;
    } else if (this.file !== null) {
      this.writeFile(this.policy, this.file, chunk);
    } else if (this.chunks.bytes + chunk.length <= MEMORY_COPY_BYTES && this.policy.memory.take(chunk.length)) {
      this.chunks.add(chunk);
    } else {
      this.toFile(this.policy, chunk);
    }
  }

  /** The whole body so far, when all of it is in memory: what a further attempt can be sent from. */
  inMemory(): Chunks | null {
    return this.truncated || this.file !== null ? null : this.chunks;
  }

  /** Hands the copy over to a record. A file then belongs to whoever commits or drops it. */
  take(): BodyCopy {
    const { truncated, total: totalBytes } = this;
    if (this.file !== null) {
      const file = this.file;
      this.file = null;
      return { kind: 'file', file, truncated, totalBytes };
    }
    return { kind: 'memory', bytes: this.chunks.whole(), truncated, totalBytes };
  }

  /** Calls back when the disk has caught up. */
  drained(done: () => void): void {
    this.policy?.files.drained(() => {
      this.busy = false;
      done();
    });
  }

  /** The end: memory and file are given back. Safe to call twice. */
  release(): void {
    if (this.policy === null) return;
    this.policy.memory.give(this.chunks.bytes);
    this.chunks.clear();
    if (this.file !== null) this.policy.files.drop(this.file);
    this.file = null;
  }

  private toFile(policy: CopyPolicy, chunk: Uint8Array): void {
    this.file = policy.files.open();
    const chunks = this.chunks.list();
    policy.memory.give(this.chunks.bytes);
    this.chunks.clear();
    if (this.file === null) {
      this.truncated = true;
      return;
    }
    for (const earlier of chunks) {
      if (!this.writeFile(policy, this.file, earlier)) return;
    }
    this.writeFile(policy, this.file, chunk);
  }

  private writeFile(policy: CopyPolicy, file: number, chunk: Uint8Array): boolean {
    const state = policy.files.write(file, chunk);
    this.busy = state === 'busy';
    if (state !== 'gone') return true;
    this.file = null;
    this.truncated = true;
    return false;
  }
}

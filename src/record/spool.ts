/**
 * Where failed exchanges are kept until they are released. Synchronous, for the keeper thread. What `commit` calls
 * committed is on the disk: SQLite's WAL with synchronous=FULL, body files fsynced with their folder before the row.
 */
import type { Capture } from '../exchange.ts';
import { type Ledger, ledgerOf, type StateCounts } from './ledger.ts';
import { sealedBytes } from './spool-body-file.ts';
import { type CommitOutcome, SpoolCommit } from './spool-commit.ts';
import { type SpoolError, type SpoolOperation, spoolErrorFrom, spoolFault } from './spool-error.ts';
import { setAside } from './spool-folder.ts';
import { openParts, type SpoolOptions, type SpoolParts } from './spool-open.ts';
import { type RecordFilter, SpoolReader } from './spool-reader.ts';
import type { VolumeKind } from './spool-volume.ts';
import type { KeptRecord, RelaySource } from './states.ts';

export type { CommitOutcome } from './spool-commit.ts';
export { SpoolError } from './spool-error.ts';
export type { SpoolOptions } from './spool-open.ts';
export type { RecordFilter } from './spool-reader.ts';
export { type VolumeKind, volumeKind } from './spool-volume.ts';

export interface SpoolStats {
  readonly records: StateCounts;
  readonly captured: number;
  readonly mirrorWaiting: number;
  /** Seconds of running time; 0 when none waits. */
  readonly oldestWaitingAgeSeconds: number;
  readonly oldestUnreleasedAgeSeconds: number;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** Of the quota, what the files of live requests may take. */
const LIVE_SHARE = 1 / 2;
/** Free pages given back at a time: some milliseconds. */
const VACUUM_PAGES = 512;
/** Running time that a crash of an idle process may forget. */
const SAVE_TIME_MS = 60_000;

export class Spool implements RelaySource {
  readonly folder: string;
  readonly volume: VolumeKind;
  /** Lines for the log, of the opening. */
  readonly warnings: readonly string[];
  /** Why nothing is committed any more; null while all is well. Close it and open it again. */
  fault: SpoolError | null = null;
  /** Called for errors that are not thrown: a commit or a copy that failed, a record that was quarantined. */
  onError: (error: SpoolError) => void = () => undefined;
  readonly #parts: SpoolParts;
  readonly #options: SpoolOptions;
  readonly #commits: SpoolCommit;
  readonly #reader: SpoolReader;
  #closed = false;

  /** Throws SpoolError; `locked` when another process, or this one, has it open. */
  static open(options: SpoolOptions): Spool {
    return new Spool(options, openParts(options));
  }

  private constructor(options: SpoolOptions, parts: SpoolParts) {
    this.#options = options;
    this.#parts = parts;
    this.folder = parts.paths.folder;
    this.volume = parts.volume;
    this.warnings = parts.warnings;
    this.#commits = new SpoolCommit(parts, { limitBytes: options.size, mirror: options.mirror });
    this.#reader = new SpoolReader(parts, (error) => this.onError(error));
  }

  /** Starts the file of a live request's body. `file`: the number by which the path thread names it. Throws SpoolError. */
  openBody(file: number): void {
    this.#parts.bodies.open(file);
  }

  /** Throws SpoolError (`quota`, `full`, `io`); the file is gone then. */
  writeBody(file: number, chunk: Uint8Array): void {
    const { bodies, quota } = this.#parts;
    const bytes = sealedBytes(chunk.length);
    const most = Math.floor(this.#options.size * LIVE_SHARE);
    try {
      if (bodies.liveBytes + bytes > most || quota.roomForFiles(bytes) < bytes) {
        const what = `no room for a body of a live request: at most ${most} bytes are for those`;
        throw spoolFault('copy', 'quota', this.folder, what);
      }
      bodies.write(file, chunk);
    } catch (error) {
      bodies.drop(file);
      throw spoolErrorFrom(error, 'copy', this.folder);
    }
  }

  /** The request needs no record, or its copy was given up. Does nothing for an unknown file. */
  dropBody(file: number): void {
    this.#parts.bodies.drop(file);
  }

  /**
   * An outcome for each capture, in their order: also when the disk fails, for some may have been committed before.
   * Throws SpoolError only when it did nothing at all, because of an earlier `fault`.
   */
  commit(captures: readonly Capture[]): CommitOutcome[] {
    this.#refuseFault();
    return this.#commits.commit(captures, (error) => this.#failed(error));
  }

  waiting(afterSeq: number, limit: number): readonly KeptRecord[] {
    return this.#attempt('read', () => this.#reader.waiting(afterSeq, limit));
  }

  readBody(record: KeptRecord): Uint8Array {
    return this.#reader.body(record);
  }

  /** The same in pieces of at most 64 KiB; throws like `readBody`, also after some of them. */
  bodyChunks(record: KeptRecord): Iterable<Uint8Array> {
    return this.#reader.chunks(record);
  }

  markMirrored(seqs: readonly number[]): void {
    const now = this.#parts.time.now();
    this.#write(() => seqs.forEach((seq) => void this.#parts.rows.mark('mirrored', seq, { now })));
  }

  markMirroredWithoutBody(seqs: readonly number[]): void {
    this.#write(() => seqs.forEach((seq) => void this.#parts.rows.mark('mirroredWithoutBody', seq)));
  }

  park(seq: number, reason: string): void {
    this.#write(() => this.#parts.rows.mark('parked', seq, { why: reason }));
  }

  get(id: string): KeptRecord | null {
    return this.#attempt('read', () => this.#reader.get(id));
  }

  list(filter: RecordFilter): KeptRecord[] {
    return this.#attempt('read', () => this.#reader.list(filter));
  }

  stats(): SpoolStats {
    const { rows, quota, time } = this.#parts;
    const now = time.now();
    const ageOf = (keptAt: number | null): number => (keptAt === null ? 0 : Math.max(0, now - keptAt) / 1000);
    return this.#attempt('read', () => {
      const { captured, states } = this.ledger();
      return {
        records: states,
        captured,
        mirrorWaiting: rows.mirrorWaiting(),
        oldestWaitingAgeSeconds: ageOf(rows.oldest('waiting')),
        oldestUnreleasedAgeSeconds: ageOf(rows.oldest('unreleased')),
        bytes: quota.bytes,
        limitBytes: this.#options.size,
      };
    });
  }

  /** Counts what lies here anew, and adds what has gone. */
  ledger(): Ledger {
    const { rows } = this.#parts;
    return this.#attempt('read', () => ledgerOf(rows.value('captured'), ...rows.counts()));
  }

  /** Removes records that were released longer than `keep` ago. */
  expire(): void {
    const before = this.#parts.time.now() - this.#options.keep;
    this.#attempt('delete', () => {
      while (this.#parts.quota.removeReleasedBefore(before));
    });
  }

  /** Gives space back to the volume, some at a time, and measures the folder. For quiet moments. Throws SpoolError. */
  maintain(): void {
    const { database, quota, rows, time } = this.#parts;
    this.#refuseFault();
    this.#attempt('delete', () => {
      database.refuseMoved();
      // Not at each call: an idle spool should leave the disk alone.
      if (time.now() - rows.value('elapsed') >= SAVE_TIME_MS) database.transaction(() => rows.setElapsed(time.now()));
      database.vacuum(Math.min(VACUUM_PAGES, database.pages().free));
      database.checkpoint();
      quota.measure();
    });
  }

  /** Repeatable. A database that proved to be corrupt is set aside, so that the next opening starts a fresh one. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { bodies, database, paths, rows, time } = this.#parts;
    bodies.close();
    try {
      if (this.fault === null) database.transaction(() => rows.setElapsed(time.now()));
    } finally {
      database.close();
    }
    if (this.fault?.fault === 'corrupt') setAside(paths);
  }

  #refuseFault(): void {
    if (this.fault !== null) throw this.fault;
  }

  #write(work: () => void): void {
    const { database, rows, time } = this.#parts;
    this.#attempt('commit', () => {
      database.transaction(() => {
        work();
        rows.setElapsed(time.now());
      });
    });
  }

  #attempt<T>(operation: SpoolOperation, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const failure = spoolErrorFrom(error, operation, this.folder);
      this.#failed(failure);
      throw failure;
    }
  }

  /** After a failed fsync or in a damaged database nothing that is written can be believed. */
  #failed(error: SpoolError): void {
    const broken = error.fault === 'io' || error.fault === 'corrupt';
    if (broken && error.operation !== 'copy') this.fault ??= error;
    this.onError(error);
  }
}

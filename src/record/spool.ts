/**
 * Where failed exchanges are kept until they are released. Synchronous, for the keeper thread. What `commit` calls
 * committed is on the disk: SQLite's WAL with synchronous=FULL, body files fsynced with their folder before the row.
 */
import type { Capture } from '../exchange.ts';
import { type Ledger, type Loss, sumOfLedgers } from './ledger.ts';
import { sealedBytes } from './spool-body-file.ts';
import { SpoolCheck } from './spool-check.ts';
import { type CommitOutcome, SpoolCommit } from './spool-commit.ts';
import { faultOf, type SpoolError, type SpoolOperation, spoolErrorFrom, spoolFault } from './spool-error.ts';
import { type MoverOptions, type MoveStep, SpoolMover } from './spool-move.ts';
import { openParts, type SpoolOptions, type SpoolParts } from './spool-open.ts';
import { type RecordFilter, SpoolReader } from './spool-reader.ts';
import { SpoolRelay } from './spool-relay.ts';
import { type SpoolStats, statsOf } from './spool-stats.ts';
import { type Closed, closeParts, maintainParts, STAYS } from './spool-upkeep.ts';
import { type Verification, verifyLedger } from './spool-verify.ts';
import type { VolumeKind } from './spool-volume.ts';
import type { KeptRecord, RelaySource, WaitingRecord } from './states.ts';

export type { CommitOutcome } from './spool-commit.ts';
export { SpoolError } from './spool-error.ts';
export type { SpoolOptions } from './spool-open.ts';
export type { RecordFilter } from './spool-reader.ts';
export type { SpoolStats } from './spool-stats.ts';
export type { Closed } from './spool-upkeep.ts';
export type { Verification } from './spool-verify.ts';
export { type VolumeKind, volumeKind } from './spool-volume.ts';

/** Of the quota, what the files of live requests may take. */
const LIVE_SHARE = 1 / 2;
const MEASURE_MS = 500;
/** Looked through at a time: some milliseconds. */
const ENLIST_ROWS = 5000;
/** Longer than a container takes to restart. */
const ADOPT_AFTER_MS = 60_000;

export class Spool implements RelaySource {
  readonly folder: string;
  readonly volume: VolumeKind;
  /** Lines for the log, of the opening. */
  readonly warnings: readonly string[];
  /** Why nothing is committed any more; null while all is well. Close it and open it again. */
  fault: SpoolError | null = null;
  /** Called for errors that are not thrown: a commit or a copy that failed, a record that was quarantined. */
  onError: (error: SpoolError) => void = () => undefined;
  /** Called with lines for the log: of records that move over from an older database. */
  onNews: (level: 'info' | 'warn' | 'error', message: string) => void = () => undefined;
  readonly #parts: SpoolParts;
  readonly #options: SpoolOptions;
  readonly #commits: SpoolCommit;
  readonly #reader: SpoolReader;
  readonly #relay: SpoolRelay;
  readonly #mover: SpoolMover;
  readonly #check: SpoolCheck;
  #measured = 0;
  /** Up to this sequence number every record knows of the mirror. */
  #enlisted = 0;
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
    this.#check = new SpoolCheck(parts.database);
    this.#reader = new SpoolReader(parts, (error) => this.onError(error));
    this.#relay = new SpoolRelay(parts, (seq, error) => this.#reader.quarantine(seq, error));
    const { keyFile, size: limitBytes, adoptAfterMs = ADOPT_AFTER_MS } = options;
    const report: MoverOptions['report'] = (level, message) => this.onNews(level, message);
    this.#mover = new SpoolMover(parts, () => this.#commits.takeSeq(), { keyFile, limitBytes, adoptAfterMs, report });
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
    const outcomes = this.#commits.commit(captures, (error) => this.#failed(error));
    // Before anyone hears of them.
    this.#writeCount();
    return outcomes;
  }

  /** Captures that were given up before they came here (`capture.rate`). Throws SpoolError. */
  countLost(reason: Loss, count: number): void {
    this.#refuseFault();
    const { ledger } = this.#parts;
    this.#write(() => {
      ledger.addCaptured(count);
      ledger.addLost(reason, count);
    });
  }

  /** Some of the records that were kept while no mirror was configured are for it now. True: there may be more. */
  enlistSome(): boolean {
    const last = this.#parts.rows.lastSeq();
    if (!this.#options.mirror || this.#enlisted >= last) return false;
    const upTo = Math.min(last, Math.max(this.#enlisted, this.#parts.rows.firstSeq() - 1) + ENLIST_ROWS);
    this.#write(() => this.#relay.enlist(this.#enlisted, upTo));
    this.#enlisted = upTo;
    return true;
  }

  /** Moves records over from older databases, at most a hundred. Throws SpoolError. */
  moveSome(): MoveStep {
    this.#refuseFault();
    return this.#attempt('commit', () => {
      const step = this.#mover.step();
      if (step === 'moved') {
        this.#measureNowAndThen();
        this.#writeCount();
      }
      return step;
    });
  }

  waiting(afterSeq: number, limit: number): readonly WaitingRecord[] {
    return this.#attempt('read', () => this.#relay.waiting(afterSeq, limit));
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
    this.#write(() => this.#relay.markMirrored(seqs, now));
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
    return this.#attempt('read', () => statsOf(this.#parts, this.ledger(), this.#options.size));
  }

  /** By the counts that are kept beside the rows, with what still moves over from an older database. */
  ledger(): Ledger {
    const moving = this.#mover.ledger;
    const own = this.#parts.ledger.ledger();
    return moving === null ? own : sumOfLedgers([own, moving]);
  }

  /** Counts every row, some tenths of a second for a million, and compares with the second count. */
  verify(): Verification {
    return this.#attempt('read', () => verifyLedger(this.#parts, () => this.ledger()));
  }

  /** Some of the records that were released longer than `keep` ago, or are older than `maxAge`. True: there are more. */
  expire(): boolean {
    const { quota, time } = this.#parts;
    const { keep, maxAge = 0 } = this.#options;
    const now = time.now();
    return this.#attempt('delete', () => {
      const released = quota.removeReleasedBefore(now - keep);
      const old = maxAge > 0 && quota.loseOlderThan(now - maxAge);
      if (old) this.#writeCount();
      return released || old;
    });
  }

  /** Gives space back to the volume, some at a time, and measures the folder. For quiet moments. Throws SpoolError. */
  maintain(): void {
    this.#refuseFault();
    this.#attempt('delete', () => {
      maintainParts(this.#parts);
      this.#reader.inspect(this.#check.step());
    });
  }

  /**
   * Repeatable. The folder of a database that has failed is set aside as a whole, so that the next opening starts a
   * fresh one and moves its records over.
   */
  close(): Closed {
    if (this.#closed) return STAYS;
    this.#closed = true;
    this.#mover.close();
    return closeParts(this.#parts, this.#commits.lastSeq, this.fault !== null, (error) => this.onError(error));
  }

  /** Not for each hundred of records that move: there may be ten thousand body files to look at. */
  #measureNowAndThen(): void {
    const now = performance.now();
    if (this.#mover.ledger !== null && now - this.#measured < MEASURE_MS) return;
    this.#measured = now;
    this.#parts.quota.measure();
  }

  #writeCount(): void {
    const { count, ledger } = this.#parts;
    const now = ledger.count(this.#commits.lastSeq);
    if (count.value?.captured === now.captured && count.value.kept === now.kept) return;
    try {
      count.write(now);
    } catch (error) {
      this.#failed(spoolErrorFrom(error, 'commit', this.folder));
    }
  }

  #refuseFault(): void {
    if (this.fault !== null) throw this.fault;
  }

  #write(work: () => void): void {
    const { database, reserve, rows, time } = this.#parts;
    const write = (): void =>
      database.transaction(() => {
        work();
        rows.setElapsed(time.now());
      });
    this.#attempt('commit', () => {
      try {
        write();
      } catch (error) {
        // Marks are what lets records go, and so what makes room on a full disk.
        if (faultOf(error) !== 'full' || !reserve.release()) throw error;
        write();
      }
      this.#writeCount();
    });
  }

  #attempt<T>(operation: SpoolOperation, work: () => T): T {
    // Whoever still has it when it was closed after a fault: that is no second fault.
    if (this.#closed) throw spoolFault(operation, 'closed', this.folder, 'is closed');
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

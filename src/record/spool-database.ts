/** The SQLite file: opened under its lock, with its schema, and transactions that are durable when they end. */
import { lstatSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { faultOf, SpoolError, spoolErrorFrom, spoolFault } from './spool-error.ts';

/** "Outr" in the file's header: tells our files from any other SQLite database. */
const APPLICATION_ID = 0x4f757472;
/** Rises with a change that an older release can't read or would harm; additions don't raise it. */
export const FORMAT = 1;
/** Rows of sealed 1 KiB bodies leave less of a page unused than at SQLite's own 4 KiB. */
export const PAGE_BYTES = 8192;

/**
 * `records` has what is searched, in small rows, so that a mark rewrites few pages; `payloads` has what is sealed.
 * `released_at` and `kept_at` are milliseconds of running time, never of a clock.
 */
const SCHEMA = `
CREATE TABLE spool (name TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, key_id TEXT NOT NULL, salt BLOB NOT NULL) STRICT;
CREATE TABLE ledger (state TEXT PRIMARY KEY, gone INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE records (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  mirror TEXT NOT NULL,
  mirror_reason TEXT NOT NULL DEFAULT '',
  rule TEXT NOT NULL,
  target TEXT NOT NULL,
  reason TEXT NOT NULL,
  status INTEGER,
  method TEXT NOT NULL,
  at REAL NOT NULL,
  kept_at REAL NOT NULL,
  released_at REAL,
  stored_bytes INTEGER NOT NULL,
  total_bytes INTEGER NOT NULL,
  truncated INTEGER NOT NULL,
  body_file TEXT,
  file_bytes INTEGER NOT NULL,
  database_bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX records_state ON records (state);
CREATE INDEX records_waiting ON records (mirror) WHERE mirror = 'waiting';
CREATE INDEX records_released ON records (released_at);
CREATE INDEX records_body_file ON records (body_file) WHERE body_file IS NOT NULL;
CREATE TABLE payloads (seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, head BLOB NOT NULL, body BLOB) STRICT;
INSERT INTO spool (name, value) VALUES ('captured', 0), ('elapsed', 0);
`;

/** Additions to format 1: a release without them leaves them alone. */
const ADDITIONS = `
CREATE TABLE IF NOT EXISTS lost (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS moves (source TEXT PRIMARY KEY, seq INTEGER NOT NULL, records INTEGER NOT NULL,
  done INTEGER NOT NULL) WITHOUT ROWID, STRICT;
`;

/** What is kept in memory beside the rows, and has to go back when they do. */
export interface Participant {
  begin(): void;
  rollBack(): void;
}

export class SpoolDatabase {
  readonly path: string;
  /** Just made: it had no table. */
  readonly fresh: boolean;
  participant: Participant | null = null;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #pages: StatementSync;
  readonly #free: StatementSync;
  readonly #identity: string;

  /**
   * Takes SQLite's lock and keeps it until `close`: it is the proof of ownership, and goes with the process however
   * that ends. `walBytes`: from this size on the WAL is written back. Throws SpoolError (`locked`, `corrupt` …).
   *
   * Never open the file another way in this process: closing any descriptor of it would drop the lock (POSIX).
   */
  constructor(path: string, walBytes: number) {
    this.path = path;
    const { db, fresh } = openLocked(path, walBytes);
    this.#db = db;
    this.fresh = fresh;
    this.#begin = this.prepare('BEGIN IMMEDIATE');
    this.#commit = this.prepare('COMMIT');
    this.#pages = this.prepare('PRAGMA page_count');
    this.#free = this.prepare('PRAGMA freelist_count');
    this.#identity = identityOf(path);
  }

  /** Prepared once. */
  prepare(sql: string): StatementSync {
    const prepared = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }

  /** On return what `work` wrote is on the disk (synchronous=FULL); when it throws, nothing of it is in the database. */
  transaction<T>(work: () => T): T {
    this.#begin.run();
    this.participant?.begin();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      this.participant?.rollBack();
      // SQLite has rolled back by itself after the graver errors.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * Throws SpoolError when the file or its WAL was removed or replaced: SQLite writes on, into files without a name,
   * and what it says is on the disk goes with the process.
   */
  refuseMoved(): void {
    if (identityOf(this.path) === this.#identity) return;
    const what = 'the database was removed or replaced while it was in use';
    throw new SpoolError('commit', 'io', `spool: ${this.path}: ${what} (a fresh one is started; find out who did it)`);
  }

  /** Pages of the file, those without use among them; they are ours to fill again. */
  pages(): { readonly all: number; readonly free: number } {
    return { all: numberIn(this.#pages.get(), 'page_count'), free: numberIn(this.#free.get(), 'freelist_count') };
  }

  /** Gives at most so many free pages back to the file system: at the next write-back. */
  vacuum(pages: number): void {
    if (pages > 0) this.#db.exec(`PRAGMA incremental_vacuum(${Math.floor(pages)})`);
  }

  /** Writes the WAL back and empties it. */
  checkpoint(): void {
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#db.close();
  }
}

/** Looked at by name only: closing another descriptor of it would drop the lock. */
function identityOf(path: string): string {
  const inode = (name: string): number | undefined => lstatSync(name, { throwIfNoEntry: false })?.ino;
  try {
    return `${inode(path)} ${inode(`${path}-wal`)}`;
  } catch (error) {
    // Something else stands where its folder was, or the folder is closed to us.
    return faultOf(error);
  }
}

function openLocked(path: string, walBytes: number): { readonly db: DatabaseSync; readonly fresh: boolean } {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path, { timeout: 0, allowExtension: false });
    db.exec(`PRAGMA page_size=${PAGE_BYTES}; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA locking_mode=EXCLUSIVE`);
    // The first touch of the WAL takes the lock, and with EXCLUSIVE keeps it.
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE; COMMIT');
    db.exec(`PRAGMA wal_autocheckpoint=${Math.max(1, Math.floor(walBytes / PAGE_BYTES))}`);
    db.exec(`PRAGMA journal_size_limit=${walBytes}; PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY`);
    return { db, fresh: createOrCheck(db, path) };
  } catch (error) {
    if (db?.isOpen) db.close();
    throw spoolErrorFrom(error, 'open', path);
  }
}

/** True when it was empty. */
function createOrCheck(db: DatabaseSync, path: string): boolean {
  const application = numberIn(db.prepare('PRAGMA application_id').get(), 'application_id');
  const tables = numberIn(db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get(), 'tables');
  if (application === 0 && tables === 0) {
    db.exec(`BEGIN; PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${FORMAT}; ${SCHEMA}; COMMIT`);
    db.exec(ADDITIONS);
    return true;
  }
  if (application !== APPLICATION_ID) throw spoolFault('open', 'access', path, 'is a database of something else');
  const format = numberIn(db.prepare('PRAGMA user_version').get(), 'user_version');
  if (format > FORMAT)
    throw spoolFault('open', 'version', path, `has format ${format}, this release reads up to ${FORMAT}`);
  db.exec(ADDITIONS);
  return false;
}

/** What SQLite says as a number; throws TypeError when it is none, which is a mistake in a statement of ours. */
export function numberIn(row: unknown, column: string): number {
  const value = valueIn(row, column);
  if (typeof value === 'number') return value;
  throw new TypeError(`column ${column} is no number`);
}

export function textIn(row: unknown, column: string): string {
  const value = valueIn(row, column);
  if (typeof value === 'string') return value;
  throw new TypeError(`column ${column} is no text`);
}

export function bytesIn(row: unknown, column: string): Uint8Array {
  const value = valueIn(row, column);
  // By its tag: under jest the class of another realm is not ours.
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`column ${column} is no blob`);
}

export function valueIn(row: unknown, column: string): unknown {
  return typeof row === 'object' && row !== null ? Reflect.get(row, column) : undefined;
}

/**
 * An older database whose records are to move over: one that failed, or one that another pod left behind. It is read
 * and never written: what a failing disk says of a write is not believed. What can't be read is left out and counted.
 */
import type { Loss } from './ledger.ts';
import type { Sealer } from './seal.ts';
import { type Count, readCount } from './spool-count.ts';
import { numberIn, SpoolDatabase, textIn } from './spool-database.ts';
import { SpoolEpochs } from './spool-epochs.ts';
import { faultOf, type SpoolError, spoolErrorFrom } from './spool-error.ts';
import { fileBytes, refuseOdd, type SpoolPaths } from './spool-folder.ts';
import { loadSealer } from './spool-key.ts';
import { type Move, SpoolLedger } from './spool-ledger.ts';
import { walBytesFor } from './spool-quota.ts';
import { type SealedRow, SpoolRows } from './spool-rows.ts';
import { SpoolUnseals } from './spool-seals.ts';

/** What a source has to carry over when its records have moved. */
export interface SourceLedger {
  readonly captured: number;
  /** Records that are not released: those that move, or can't be read. */
  readonly unreleased: number;
  /** The rest, by the state in which they ended; `quarantined` where nothing tells it. */
  readonly settled: Readonly<Record<string, number>>;
  readonly lost: Readonly<Record<Loss, number>>;
}

interface Open {
  readonly database: SpoolDatabase;
  readonly rows: SpoolRows;
  readonly seals: SpoolUnseals;
  readonly sealer: Sealer;
  /** Its running time when it ended. */
  readonly elapsed: number;
}

const NOTHING = { captured: 0, kept: 0, settled: {}, lost: { rate: 0, maxAge: 0, dropOldest: 0 } };
// The `+` keeps SQLite to the table itself: an index may be what is damaged.
const UNRELEASED = '+released_at IS NULL';
const COUNT_UNRELEASED = `SELECT state, count(*) AS records FROM records WHERE ${UNRELEASED} GROUP BY state`;

export class SpoolSource {
  readonly paths: SpoolPaths;
  /** Names this very database, wherever its folder is moved. */
  readonly identity: string;
  readonly ledger: SourceLedger;
  /** Why nothing of it can be read; null when some can. */
  readonly damage: SpoolError | null;
  readonly #open: Open | null;
  readonly #lastSeq: number;

  /** Throws SpoolError: `locked` when its owner lives, `key` when it can't be opened with the keys there are. */
  constructor(paths: SpoolPaths, keyFile: string) {
    this.paths = paths;
    refuseOdd(paths);
    const count = readCount(paths.count);
    const { open, damage } = openLeniently(paths, keyFile);
    this.#open = open;
    this.damage = damage;
    try {
      this.#lastSeq = Math.max(count?.lastSeq ?? 0, open?.rows.lastSeq() ?? 0);
      this.ledger = open === null ? ledgerOfCount(count) : ledgerFrom(open.database, count);
      this.identity = open === null ? `folder ${paths.folder}` : identityOf(open.database);
    } catch (error) {
      open?.database.close();
      throw spoolErrorFrom(error, 'open', paths.folder);
    }
  }

  /** How far this database had come with older ones, when it was the one that ran. */
  moves(): readonly (readonly [source: string, move: Move])[] {
    if (this.#open === null) return [];
    return new SpoolLedger(this.#open.database).moves();
  }

  get elapsed(): number {
    return this.#open?.elapsed ?? 0;
  }

  get sealer(): Sealer | null {
    return this.#open?.sealer ?? null;
  }

  /**
   * Rows that are not released, in sequence; `last`: how far that went, null at the end. Where a page of the database
   * can't be read, its rows are tried one by one and those that fail are left out.
   */
  page(afterSeq: number, limit: number): { readonly rows: readonly SealedRow[]; readonly last: number | null } {
    if (this.#open === null || afterSeq >= this.#lastSeq) return { rows: [], last: null };
    try {
      const rows = this.#open.rows.select([UNRELEASED, 'r.seq > ?'], [afterSeq], 'ASC', limit);
      return { rows, last: rows.at(-1)?.seq ?? null };
    } catch (error) {
      if (faultOf(error) === 'closed') throw error;
      const last = Math.min(this.#lastSeq, afterSeq + limit);
      const rows: SealedRow[] = [];
      for (let seq = afterSeq + 1; seq <= last; seq += 1) rows.push(...this.#tryOne(seq));
      return { rows, last };
    }
  }

  /** The sealed head's text. Throws SpoolError `corrupt`. */
  head({ epoch, seq, id, sealedHead }: SealedRow): Buffer {
    return this.#opened().seals.openHead(epoch, seq, id, sealedHead);
  }

  /** The body in the row; null when there is none. Throws SpoolError. */
  inlineBody({ epoch, seq, id }: SealedRow): Uint8Array | null {
    const { rows, seals } = this.#opened();
    const sealed = rows.sealedBody(seq);
    return sealed === null ? null : seals.openBody(epoch, seq, id, sealed);
  }

  close(): void {
    try {
      this.#open?.database.close();
    } catch (error) {
      // Closing writes the WAL back, and this file has failed before; everything was read by now.
      if (!(error instanceof Error)) throw error;
    }
  }

  #tryOne(seq: number): SealedRow[] {
    try {
      return this.#opened().rows.select([UNRELEASED, 'r.seq = ?'], [seq], 'ASC', 1);
    } catch (error) {
      if (faultOf(error) === 'closed') throw error;
      return [];
    }
  }

  #opened(): Open {
    if (this.#open === null) throw new Error('a source that can not be opened has no rows');
    return this.#open;
  }
}

/** Damage is what this is for; anything else (a lock, a key) is thrown. */
function openLeniently(paths: SpoolPaths, keyFile: string): { open: Open | null; damage: SpoolError | null } {
  if (fileBytes(paths.database) === 0) return { open: null, damage: null };
  let database: SpoolDatabase | null = null;
  try {
    database = new SpoolDatabase(paths.database, walBytesFor(fileBytes(paths.database)));
    const ledger = new SpoolLedger(database);
    const rows = new SpoolRows(database, ledger);
    const { sealer } = loadSealer(keyFile, paths.key, false);
    const seals = new SpoolUnseals(database.path, new SpoolEpochs(database).all(), sealer);
    return { open: { database, rows, seals, sealer, elapsed: rows.elapsed() }, damage: null };
  } catch (error) {
    database?.close();
    const failure = spoolErrorFrom(error, 'open', paths.database);
    if (failure.fault !== 'corrupt' && failure.fault !== 'io') throw failure;
    return { open: null, damage: failure };
  }
}

/** The salt of its first epoch: random, and there before the first record. */
function identityOf(database: SpoolDatabase): string {
  const row = database.prepare('SELECT hex(salt) AS salt FROM epochs ORDER BY epoch LIMIT 1').get();
  return row === undefined ? `empty ${database.path}` : textIn(row, 'salt');
}

function ledgerFrom(database: SpoolDatabase, count: Count | null): SourceLedger {
  try {
    return countRows(database, count);
  } catch (error) {
    if (faultOf(error) !== 'corrupt' && faultOf(error) !== 'io') throw error;
    return ledgerOfCount(count);
  }
}

function countRows(database: SpoolDatabase, count: Count | null): SourceLedger {
  const ledger = new SpoolLedger(database);
  const { captured, states } = ledger.ledger();
  const settled: Record<string, number> = { ...states };
  let unreleased = 0;
  for (const row of database.prepare(COUNT_UNRELEASED).all()) {
    const [state, records] = [textIn(row, 'state'), numberIn(row, 'records')];
    unreleased += records;
    settled[state] = (settled[state] ?? 0) - records;
  }
  // What the second count knows and the database doesn't was promised, and is lost.
  const missing = Math.max(0, (count?.captured ?? 0) - captured);
  // Of an emptied database the count knows all; of one that lacks its end, only how much that is.
  if (captured === 0 && missing > 0) return ledgerOfCount(count);
  return { captured: captured + missing, unreleased: unreleased + missing, settled, lost: ledger.lost };
}

/** Where the rows can't be counted. */
function ledgerOfCount(count: Count | null): SourceLedger {
  const { captured, kept, settled, lost } = count ?? NOTHING;
  return { captured, unreleased: kept, settled, lost };
}

/**
 * A look at the rows, some at each upkeep, for what no query stumbles over: SQLite's pages have no checksum, so a bit
 * that flips in an index, or in a plain column, would keep a record from the mirror for ever without a word.
 */
import { isKnownState } from './ledger.ts';
import { numberIn, type SpoolDatabase, textIn } from './spool-database.ts';
import { spoolFault } from './spool-error.ts';
import { isKnownMirror } from './states.ts';

/** With what is sealed in them some milliseconds of work; a million records are looked at within fourteen hours. */
export const CHECKED_ROWS = 100;

export interface Checked {
  /** The rows behind this sequence number were looked at. */
  readonly after: number;
  /** Those in a state that there is not: they are to be quarantined. */
  readonly unknown: readonly number[];
}

export class SpoolCheck {
  readonly #database: SpoolDatabase;
  #after = 0;

  constructor(database: SpoolDatabase) {
    this.#database = database;
  }

  /**
   * The next rows, from the start again after the last. Throws SpoolError `corrupt` when an index tells something else
   * than the rows.
   */
  step(): Checked {
    const table = 'SELECT seq, id, state, mirror FROM records NOT INDEXED WHERE seq > ? ORDER BY seq LIMIT ?';
    const rows = this.#database.prepare(table).all(this.#after, CHECKED_ROWS);
    const from = this.#after;
    const to = rows.length < CHECKED_ROWS ? Number.MAX_SAFE_INTEGER : numberIn(rows.at(-1), 'seq');
    this.#after = rows.length < CHECKED_ROWS ? 0 : to;
    const waiting = rows.filter((row) => textIn(row, 'mirror') === 'waiting').map((row) => numberIn(row, 'seq'));
    if (String(waiting) !== String(this.#waiting(from, to))) throw this.#corrupt('which records wait');
    const lost = rows.find((row) => this.#seqOf(textIn(row, 'id')) !== numberIn(row, 'seq'));
    if (lost !== undefined) throw this.#corrupt(`where record ${textIn(lost, 'id')} is`);
    const unknown = (row: unknown): boolean =>
      !(isKnownState(textIn(row, 'state')) && isKnownMirror(textIn(row, 'mirror')));
    return { after: from, unknown: rows.filter(unknown).map((row) => numberIn(row, 'seq')) };
  }

  #waiting(from: number, to: number): number[] {
    const index = `SELECT seq FROM records INDEXED BY records_waiting WHERE mirror = 'waiting' AND seq > ? AND seq <= ?
      ORDER BY seq`;
    return this.#database
      .prepare(index)
      .all(from, to)
      .map((row) => numberIn(row, 'seq'));
  }

  #seqOf(id: string): number | null {
    const row = this.#database.prepare('SELECT seq FROM records WHERE id = ?').get(id);
    return row === undefined ? null : numberIn(row, 'seq');
  }

  #corrupt(what: string) {
    const { path } = this.#database;
    return spoolFault('read', 'corrupt', path, `the database is damaged: an index and the rows differ in ${what}`);
  }
}

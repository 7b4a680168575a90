/** Which rows may go, and how they go. All writes belong in a transaction. */
import type { Loss } from './ledger.ts';
import { numberIn, type SpoolDatabase, textIn } from './spool-database.ts';
import type { SpoolLedger } from './spool-ledger.ts';
import { SETTLED, textOrNull } from './spool-rows.ts';

/** What goes with a record that is removed. */
export interface RemovableRow {
  readonly seq: number;
  readonly state: string;
  /** For the mirror. */
  readonly isWaiting: boolean;
  readonly isReleased: boolean;
  readonly bodyFile: string | null;
  /** In database and file. */
  readonly bytes: number;
}

const REMOVABLE = 'SELECT seq, state, mirror, body_file, file_bytes + database_bytes AS bytes FROM records';
// The plain columns are not authenticated: one flipped bit in one of them must not release a record.
const RELEASED = `${REMOVABLE} WHERE released_at <= ? AND mirror = 'mirrored' AND state IN ${SETTLED}
  ORDER BY released_at, seq LIMIT ?`;
const UNRELEASED = `${REMOVABLE} WHERE released_at IS NULL AND kept_at <= ? AND state != 'delivering' ORDER BY seq LIMIT ?`;
export class SpoolRemoval {
  readonly #database: SpoolDatabase;
  readonly #ledger: SpoolLedger;

  constructor(database: SpoolDatabase, ledger: SpoolLedger) {
    this.#database = database;
    this.#ledger = ledger;
  }

  /** Released records, the longest released first; `before`: running time, by then they were. */
  released(before: number, limit: number): RemovableRow[] {
    return this.#removable(RELEASED, before, limit);
  }

  /** Records that are not released and that nobody is working on, the oldest first; `before`: kept by then. */
  unreleased(before: number, limit: number): RemovableRow[] {
    return this.#removable(UNRELEASED, before, limit);
  }

  #removable(sql: string, before: number, limit: number): RemovableRow[] {
    return this.#database
      .prepare(sql)
      .all(before, limit)
      .map((row) => ({
        seq: numberIn(row, 'seq'),
        state: textIn(row, 'state'),
        isWaiting: textIn(row, 'mirror') === 'waiting',
        isReleased: sql === RELEASED,
        bodyFile: textOrNull(row, 'body_file'),
        bytes: numberIn(row, 'bytes'),
      }));
  }

  /** Their rows go. The ledger keeps their states, or with a `loss` counts them as lost for that. */
  remove(rows: readonly RemovableRow[], loss: Loss | null = null): void {
    const gone = new Map<string, number>();
    let lost = 0;
    for (const { seq, state, isWaiting, isReleased } of rows) {
      this.#database.prepare('DELETE FROM records WHERE seq = ?').run(seq);
      this.#database.prepare('DELETE FROM payloads WHERE seq = ?').run(seq);
      this.#ledger.addHere(state, -1);
      if (isWaiting) this.#ledger.addWaiting(-1);
      if (!isReleased) this.#ledger.addUnreleased(-1);
      // What could not be read any more was lost before, and counted.
      if (loss === null || state === 'quarantined') gone.set(state, (gone.get(state) ?? 0) + 1);
      else lost += 1;
    }
    for (const [state, count] of gone) this.#ledger.addGone(state, count);
    if (loss !== null) this.#ledger.addLost(loss, lost);
  }
}

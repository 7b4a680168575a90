/** Salts of the subkeys that rows are sealed with. All writes belong in a transaction. */
import { bytesIn, numberIn, type SpoolDatabase, textIn } from './spool-database.ts';

/** From one opening of the database to the next: each has a subkey of its own. */
export interface Epoch {
  readonly epoch: number;
  readonly keyId: string;
  readonly salt: Uint8Array;
}

const INSERT = 'INSERT INTO epochs (epoch, first_seq, key_id, salt) VALUES (?, ?, ?, ?)';
// The newest stays: it tells the next number.
const REMOVE_UNUSED = `DELETE FROM epochs WHERE epoch IN (SELECT e.epoch FROM epochs e JOIN epochs n ON n.epoch =
  (SELECT min(epoch) FROM epochs WHERE epoch > e.epoch) WHERE NOT EXISTS
  (SELECT 1 FROM payloads WHERE seq >= e.first_seq AND seq < n.first_seq))`;

export class SpoolEpochs {
  readonly #database: SpoolDatabase;

  constructor(database: SpoolDatabase) {
    this.#database = database;
  }

  all(): Epoch[] {
    return this.#database
      .prepare('SELECT epoch, key_id, salt FROM epochs ORDER BY epoch')
      .all()
      .map((row) => ({ epoch: numberIn(row, 'epoch'), keyId: textIn(row, 'key_id'), salt: bytesIn(row, 'salt') }));
  }

  /** `firstSeq`: the rows it seals start there. */
  add({ epoch, keyId, salt }: Epoch, firstSeq: number): void {
    this.#database.prepare(INSERT).run(epoch, firstSeq, keyId, salt);
  }

  removeUnused(): void {
    this.#database.prepare(REMOVE_UNUSED).run();
  }
}

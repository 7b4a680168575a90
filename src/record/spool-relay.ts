/** What the relay to Kafka asks of the database: many records at a time, in few statements. */
import type { StatementSync } from 'node:sqlite';
import { stateFrom } from './ledger.ts';
import { type SpoolError, spoolErrorFrom } from './spool-error.ts';
import type { SpoolParts } from './spool-open.ts';
import { decodePayload } from './spool-payload.ts';
import { SETTLED } from './spool-rows.ts';
import type { WaitingRecord } from './states.ts';

/** In the order in which `rowFrom` reads them. */
const WAITING = `SELECT r.seq, id, state, total_bytes, truncated, coalesce(epoch, 0), coalesce(head, zeroblob(0)), body
  FROM records r LEFT JOIN payloads p ON p.seq = r.seq WHERE mirror = 'waiting' AND r.seq > ? ORDER BY r.seq LIMIT ?`;
/** By their own key: the index of what waits would be changed under the statement's feet. */
const RELEASE = `UPDATE records NOT INDEXED SET mirror = 'mirrored', released_at = ?
  WHERE mirror = 'waiting' AND state IN ${SETTLED} AND seq`;
/** Of those that somebody is still to deliver. */
const MARK = "UPDATE records NOT INDEXED SET mirror = 'mirrored' WHERE mirror = 'waiting' AND seq";
const ENLIST = `UPDATE records NOT INDEXED SET mirror = 'waiting'
  WHERE seq > ? AND seq <= ? AND mirror = 'none' AND released_at IS NULL AND state != 'quarantined'`;
const IN_RANGE = 'BETWEEN ? AND ?';
const IN_LIST = 'IN (SELECT value FROM json_each(?))';

interface WaitingRow {
  readonly seq: number;
  readonly id: string;
  readonly state: string;
  readonly totalBytes: number;
  readonly truncated: boolean;
  readonly epoch: number;
  readonly sealedHead: Uint8Array;
  /** null: there is none, or it is a file. */
  readonly sealedBody: Uint8Array | null;
}

export class SpoolRelay {
  readonly #parts: SpoolParts;
  readonly #quarantine: (seq: number, error: SpoolError) => void;
  readonly #waiting: StatementSync;

  /** `quarantine`: what is stored of that record can't be read. */
  constructor(parts: SpoolParts, quarantine: (seq: number, error: SpoolError) => void) {
    const { database } = parts;
    this.#parts = parts;
    this.#quarantine = quarantine;
    this.#waiting = database.prepare(WAITING);
    // A row as an object with a name for each value takes twice as long.
    this.#waiting.setReturnArrays(true);
  }

  waiting(afterSeq: number, limit: number): WaitingRecord[] {
    for (let after = afterSeq; ; ) {
      const rows = this.#waiting.all(after, limit).map(rowFrom);
      const records = rows.flatMap((row) => this.#open(row) ?? []);
      const last = rows.at(-1);
      // An empty page means that nothing waits: not that what waits can't be read.
      if (records.length > 0 || last === undefined) return records;
      after = last.seq;
    }
  }

  /**
   * Records of a time without a mirror wait for it from now on: `after` and `upTo` are sequence numbers. How many.
   * Within a transaction.
   */
  enlist(after: number, upTo: number): number {
    const { database, ledger } = this.#parts;
    const enlisted = Number(database.prepare(ENLIST).run(after, upTo).changes);
    ledger.addWaiting(enlisted);
    return enlisted;
  }

  /** Those that still wait; in rising order. Within a transaction. */
  markMirrored(seqs: readonly number[], now: number): void {
    const first = seqs[0];
    const last = seqs.at(-1);
    if (first === undefined || last === undefined) return;
    const { database, ledger } = this.#parts;
    const isRange = last - first + 1 === seqs.length;
    const which = isRange ? IN_RANGE : IN_LIST;
    const values = isRange ? [first, last] : [JSON.stringify(seqs)];
    const released = Number(database.prepare(`${RELEASE} ${which}`).run(now, ...values).changes);
    ledger.addUnreleased(-released);
    const others = released === seqs.length ? 0 : database.prepare(`${MARK} ${which}`).run(...values).changes;
    ledger.addWaiting(-released - Number(others));
  }

  /** null: it can't be read, and is quarantined now. */
  #open(row: WaitingRow): WaitingRecord | null {
    const { seq, id, epoch } = row;
    const { paths, seals } = this.#parts;
    try {
      const payload = decodePayload(seals.openHead(epoch, seq, id, row.sealedHead));
      const { head, storedBytes, bodyFile } = payload;
      const totalBytes = payload.totalBytes ?? row.totalBytes;
      const truncated = payload.truncated ?? row.truncated;
      const body = bodyFile === null ? this.#bodyOf(row, storedBytes) : null;
      const state = stateFrom(row.state) ?? 'quarantined';
      return { seq, id, state, mirror: 'waiting', mirrorReason: '', head, storedBytes, totalBytes, truncated, body };
    } catch (error) {
      this.#quarantine(seq, spoolErrorFrom(error, 'read', paths.database));
      return null;
    }
  }

  /** null: not as it should be. Whoever reads it then by itself is told what is wrong. */
  #bodyOf({ epoch, seq, id, sealedBody }: WaitingRow, storedBytes: number): Uint8Array | null {
    if (storedBytes === 0) return new Uint8Array(0);
    if (sealedBody === null) return null;
    try {
      const body = this.#parts.seals.openBody(epoch, seq, id, sealedBody);
      return body.length === storedBytes ? body : null;
    } catch {
      return null;
    }
  }
}

/** Throws TypeError when SQLite gives something else than the statement asks for: a mistake of ours. */
function rowFrom(row: unknown): WaitingRow {
  const values: readonly unknown[] = Array.isArray(row) ? row : [];
  const [seq, id, state, totalBytes, truncated, epoch, sealedHead, sealedBody] = values;
  if (typeof seq !== 'number' || typeof id !== 'string' || typeof state !== 'string') throw mistake();
  if (typeof totalBytes !== 'number' || typeof epoch !== 'number') throw mistake();
  return {
    ...{ seq, id, state, totalBytes, truncated: truncated === 1, epoch },
    sealedHead: bytesFrom(sealedHead),
    sealedBody: sealedBody === null ? null : bytesFrom(sealedBody),
  };
}

function bytesFrom(value: unknown): Uint8Array {
  // By its tag: under jest the class of another realm is not ours.
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw mistake();
}

function mistake(): TypeError {
  return new TypeError('a row that waits for Kafka has columns of another kind');
}

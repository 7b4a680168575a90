/** The statements on the spool's tables, and their rows as typed objects. All writes belong in a transaction. */
import type { StatementSync } from 'node:sqlite';
import { bytesIn, numberIn, PAGE_BYTES, type SpoolDatabase, textIn, valueIn } from './spool-database.ts';
import type { CaptureHead, MirrorState, State } from './states.ts';

/** The plain columns. What they say of the request is for searching: the sealed head is what counts. */
export interface RecordRow {
  readonly seq: number;
  readonly id: string;
  readonly state: string;
  readonly mirror: string;
  readonly mirrorReason: string;
  readonly rule: string;
  readonly target: string;
  readonly reason: string;
  readonly method: string;
  readonly at: number;
  readonly storedBytes: number;
  readonly totalBytes: number;
  readonly truncated: boolean;
  readonly bodyFile: string | null;
}

/** A row with what is sealed. */
export interface SealedRow extends RecordRow {
  readonly epoch: number;
  readonly sealedHead: Uint8Array;
}

export interface NewRow {
  readonly seq: number;
  readonly state: State;
  readonly mirror: MirrorState;
  readonly head: CaptureHead;
  /** Running time. */
  readonly keptAt: number;
  readonly storedBytes: number;
  readonly totalBytes: number;
  readonly truncated: boolean;
  readonly bodyFile: string | null;
  readonly fileBytes: number;
  readonly epoch: number;
  readonly sealedHead: Uint8Array;
  readonly sealedBody: Uint8Array | null;
}

/** What goes with a record that is removed. */
export interface RemovableRow {
  readonly seq: number;
  readonly state: string;
  readonly bodyFile: string | null;
  /** In database and file. */
  readonly bytes: number;
}

/** From one opening of the database to the next: each has a subkey of its own. */
export interface Epoch {
  readonly epoch: number;
  readonly keyId: string;
  readonly salt: Uint8Array;
}

const COLUMNS =
  'r.seq, id, state, mirror, mirror_reason, rule, target, reason, method, at, stored_bytes, total_bytes, truncated, body_file';
const SEALED = `SELECT ${COLUMNS}, epoch, head FROM records r JOIN payloads p ON p.seq = r.seq`;

/** Of a small row with its entries in the indexes [measured: 290 to 340]. */
const ROW_BYTES = 350;
/** Beyond that a payload spills into pages of its own. */
const LOCAL_BYTES = PAGE_BYTES - 100;

/** Bytes that a row takes in the database, pages that are not quite filled included. */
export function databaseBytes(payloadBytes: number): number {
  if (payloadBytes > LOCAL_BYTES) return ROW_BYTES + (Math.ceil(payloadBytes / (PAGE_BYTES - 4)) + 1) * PAGE_BYTES;
  return ROW_BYTES + Math.ceil(PAGE_BYTES / Math.floor(LOCAL_BYTES / (payloadBytes + 20) || 1));
}

/** States whose exchange nobody will deliver any more: with the copy in Kafka, such a record is released. */
const SETTLED = "('held', 'dead', 'delivered', 'purged')";
const MARKS = {
  mirrored: `UPDATE records SET mirror = 'mirrored', released_at = CASE WHEN state IN ${SETTLED} THEN :now END
    WHERE seq = :seq AND mirror = 'waiting'`,
  mirroredWithoutBody: "UPDATE records SET mirror = 'mirrored' WHERE seq = :seq AND mirror = 'waiting'",
  parked: "UPDATE records SET mirror = 'parked', mirror_reason = :why WHERE seq = :seq AND mirror = 'waiting'",
  quarantined: `UPDATE records SET state = 'quarantined', mirror_reason = :why,
    mirror = CASE mirror WHEN 'waiting' THEN 'parked' ELSE mirror END WHERE seq = :seq AND state != 'quarantined'`,
};
const INSERT = `INSERT OR IGNORE INTO records (seq, id, state, mirror, rule, target, reason, status, method, at, kept_at,
  stored_bytes, total_bytes, truncated, body_file, file_bytes, database_bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const COUNT_GONE = `INSERT INTO ledger (state, gone) VALUES (?, ?)
  ON CONFLICT (state) DO UPDATE SET gone = gone + excluded.gone`;

export class SpoolRows {
  readonly #database: SpoolDatabase;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: SpoolDatabase) {
    this.#database = database;
  }

  /** False: a record of that id is there already, and stays as it is. */
  insert(row: NewRow): boolean {
    const { head, seq } = row;
    const payload = row.sealedHead.length + (row.sealedBody?.length ?? 0);
    const { changes } = this.#prepare(INSERT).run(
      ...[seq, head.id, row.state, row.mirror, head.rule, head.target, head.reason, head.response?.status ?? null],
      ...[head.head.method, head.timestamp, row.keptAt, row.storedBytes, row.totalBytes, row.truncated ? 1 : 0],
      ...[row.bodyFile, row.fileBytes, databaseBytes(payload)],
    );
    if (changes === 0) return false;
    const into = 'INSERT INTO payloads (seq, epoch, head, body) VALUES (?, ?, ?, ?)';
    this.#prepare(into).run(seq, row.epoch, row.sealedHead, row.sealedBody);
    return true;
  }

  /** `why` for parked and quarantined, `now` (running time) for mirrored; false: it was not in a state for that, and stays. */
  mark(
    kind: keyof typeof MARKS,
    seq: number,
    { now, why }: { readonly now?: number; readonly why?: string } = {},
  ): boolean {
    const values = { seq, ...(now === undefined ? {} : { now }), ...(why === undefined ? {} : { why }) };
    return this.#prepare(MARKS[kind]).run(values).changes === 1;
  }

  /** Released records, the longest released first; `before`: running time, by then they were. */
  released(before: number, limit: number): RemovableRow[] {
    const sql = `SELECT seq, state, body_file, file_bytes + database_bytes AS bytes FROM records
      WHERE released_at <= ? ORDER BY released_at, seq LIMIT ?`;
    return this.#prepare(sql)
      .all(before, limit)
      .map((row) => ({
        seq: numberIn(row, 'seq'),
        state: textIn(row, 'state'),
        bodyFile: textOrNull(row, 'body_file'),
        bytes: numberIn(row, 'bytes'),
      }));
  }

  /** Their rows go, the ledger keeps their states. */
  remove(rows: readonly RemovableRow[]): void {
    const gone = new Map<string, number>();
    for (const { seq, state } of rows) {
      this.#prepare('DELETE FROM records WHERE seq = ?').run(seq);
      this.#prepare('DELETE FROM payloads WHERE seq = ?').run(seq);
      gone.set(state, (gone.get(state) ?? 0) + 1);
    }
    for (const [state, count] of gone) this.#prepare(COUNT_GONE).run(state, count);
  }

  waiting(afterSeq: number, limit: number): SealedRow[] {
    return this.#prepare(`${SEALED} WHERE mirror = 'waiting' AND r.seq > ? ORDER BY r.seq LIMIT ?`)
      .all(afterSeq, limit)
      .map(sealedRowFrom);
  }

  byId(id: string): SealedRow | null {
    const row = this.#prepare(`${SEALED} WHERE id = ?`).get(id);
    return row === undefined ? null : sealedRowFrom(row);
  }

  bySeq(seq: number): SealedRow | null {
    const row = this.#prepare(`${SEALED} WHERE r.seq = ?`).get(seq);
    return row === undefined ? null : sealedRowFrom(row);
  }

  committed(id: string): { readonly seq: number; readonly partial: boolean } | null {
    const row = this.#prepare('SELECT seq, truncated FROM records WHERE id = ?').get(id);
    return row === undefined ? null : { seq: numberIn(row, 'seq'), partial: numberIn(row, 'truncated') === 1 };
  }

  /** `where` holds SQL of ours with one `?` for each of the values. */
  select(
    where: readonly string[],
    values: readonly (string | number)[],
    order: 'ASC' | 'DESC',
    limit: number,
  ): SealedRow[] {
    const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const sql = `${SEALED} ${condition} ORDER BY r.seq ${order} LIMIT ?`;
    return this.#prepare(sql)
      .all(...values, limit)
      .map(sealedRowFrom);
  }

  /** null: there is none, or no such record. */
  sealedBody(seq: number): Uint8Array | null {
    const row = this.#prepare('SELECT body FROM payloads WHERE seq = ?').get(seq);
    return (valueIn(row, 'body') ?? null) === null ? null : bytesIn(row, 'body');
  }

  bodyFiles(): Set<string> {
    const sql = 'SELECT body_file FROM records WHERE body_file IS NOT NULL';
    return new Set(
      this.#prepare(sql)
        .all()
        .map((row) => textIn(row, 'body_file')),
    );
  }

  /** Pairs of a state and a count: of the records that are here, counted, and of those that went. */
  counts(): (readonly [string, number])[] {
    const sql = 'SELECT state, count(*) AS count FROM records GROUP BY state UNION ALL SELECT state, gone FROM ledger';
    return this.#prepare(sql)
      .all()
      .map((row) => [textIn(row, 'state'), numberIn(row, 'count')] as const);
  }

  mirrorWaiting(): number {
    return numberIn(this.#prepare("SELECT count(*) AS count FROM records WHERE mirror = 'waiting'").get(), 'count');
  }

  /** When the oldest of them was kept (running time); null: none. */
  oldest(which: 'waiting' | 'unreleased'): number | null {
    const condition = which === 'waiting' ? "mirror = 'waiting'" : 'released_at IS NULL';
    const row = this.#prepare(`SELECT kept_at FROM records WHERE ${condition} ORDER BY seq LIMIT 1`).get();
    return row === undefined ? null : numberIn(row, 'kept_at');
  }

  /** The highest that was ever given, also when that record is gone. */
  lastSeq(): number {
    const row = this.#prepare("SELECT coalesce(max(seq), 0) AS seq FROM sqlite_sequence WHERE name = 'records'").get();
    return numberIn(row, 'seq');
  }

  value(name: 'captured' | 'elapsed'): number {
    return numberIn(this.#prepare('SELECT value FROM spool WHERE name = ?').get(name), 'value');
  }

  setElapsed(ms: number): void {
    this.#prepare("UPDATE spool SET value = ? WHERE name = 'elapsed'").run(ms);
  }

  addCaptured(count: number): void {
    this.#prepare("UPDATE spool SET value = value + ? WHERE name = 'captured'").run(count);
  }

  /** Salts of the subkeys that rows are sealed with. */
  epochs(): Epoch[] {
    return this.#prepare('SELECT epoch, key_id, salt FROM epochs ORDER BY epoch')
      .all()
      .map((row) => ({ epoch: numberIn(row, 'epoch'), keyId: textIn(row, 'key_id'), salt: bytesIn(row, 'salt') }));
  }

  /** `firstSeq`: the rows it seals start there. */
  addEpoch({ epoch, firstSeq, keyId, salt }: Epoch & { readonly firstSeq: number }): void {
    this.#prepare('INSERT INTO epochs (epoch, first_seq, key_id, salt) VALUES (?, ?, ?, ?)').run(
      epoch,
      firstSeq,
      keyId,
      salt,
    );
  }

  removeUnusedEpochs(): void {
    // The newest stays: it tells the next number.
    const sql = `DELETE FROM epochs WHERE epoch IN (SELECT e.epoch FROM epochs e JOIN epochs n ON n.epoch =
      (SELECT min(epoch) FROM epochs WHERE epoch > e.epoch) WHERE NOT EXISTS
      (SELECT 1 FROM payloads WHERE seq >= e.first_seq AND seq < n.first_seq))`;
    this.#prepare(sql).run();
  }

  #prepare(sql: string): StatementSync {
    const prepared = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

function sealedRowFrom(row: unknown): SealedRow {
  return {
    seq: numberIn(row, 'seq'),
    id: textIn(row, 'id'),
    state: textIn(row, 'state'),
    mirror: textIn(row, 'mirror'),
    mirrorReason: textIn(row, 'mirror_reason'),
    rule: textIn(row, 'rule'),
    target: textIn(row, 'target'),
    reason: textIn(row, 'reason'),
    method: textIn(row, 'method'),
    at: numberIn(row, 'at'),
    storedBytes: numberIn(row, 'stored_bytes'),
    totalBytes: numberIn(row, 'total_bytes'),
    truncated: numberIn(row, 'truncated') === 1,
    bodyFile: textOrNull(row, 'body_file'),
    epoch: numberIn(row, 'epoch'),
    sealedHead: bytesIn(row, 'head'),
  };
}

function textOrNull(row: unknown, column: string): string | null {
  const value = valueIn(row, column) ?? null;
  return value === null ? null : textIn(row, column);
}

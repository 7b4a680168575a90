/** The statements on the spool's tables, and their rows as typed objects. All writes belong in a transaction. */
import type { StatementSync } from 'node:sqlite';
import { bytesIn, numberIn, PAGE_BYTES, type SpoolDatabase, textIn, valueIn } from './spool-database.ts';
import type { SpoolLedger } from './spool-ledger.ts';
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
  /** Running time. */
  readonly keptAt: number;
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
  /** Why it is parked or quarantined, else ''. */
  readonly mirrorReason: string;
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

const COLUMNS =
  'r.seq, id, state, mirror, mirror_reason, rule, target, reason, method, at, kept_at, stored_bytes, total_bytes, truncated, body_file';
// A row whose payload is gone is read too, as one that can't be opened: an inner join would hide it from everybody.
const SEALED = `SELECT ${COLUMNS}, coalesce(epoch, 0) AS epoch, coalesce(head, zeroblob(0)) AS head
  FROM records r LEFT JOIN payloads p ON p.seq = r.seq`;

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
export const SETTLED = "('held', 'dead', 'delivered', 'purged')";
const MARKS = {
  mirroredWithoutBody: "UPDATE records SET mirror = 'mirrored' WHERE seq = :seq AND mirror = 'waiting'",
  parked: "UPDATE records SET mirror = 'parked', mirror_reason = :why WHERE seq = :seq AND mirror = 'waiting'",
  quarantined: `UPDATE records SET state = 'quarantined', mirror_reason = :why,
    mirror = CASE mirror WHEN 'waiting' THEN 'parked' ELSE mirror END WHERE seq = :seq AND state != 'quarantined'`,
};
const INSERT = `INSERT OR IGNORE INTO records (seq, id, state, mirror, mirror_reason, rule, target, reason, status, method, at, kept_at,
  stored_bytes, total_bytes, truncated, body_file, file_bytes, database_bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export class SpoolRows {
  readonly #database: SpoolDatabase;
  readonly #ledger: SpoolLedger;

  constructor(database: SpoolDatabase, ledger: SpoolLedger) {
    this.#database = database;
    this.#ledger = ledger;
  }

  /** False: a record of that id is there already, and stays as it is. */
  insert(row: NewRow): boolean {
    const { head, seq } = row;
    const payload = row.sealedHead.length + (row.sealedBody?.length ?? 0);
    const { changes } = this.#prepare(INSERT).run(
      ...[seq, head.id, row.state, row.mirror, row.mirrorReason, head.rule, head.target, head.reason],
      ...[
        head.response?.status ?? null,
        head.head.method,
        head.timestamp,
        row.keptAt,
        row.storedBytes,
        row.totalBytes,
        row.truncated ? 1 : 0,
      ],
      ...[row.bodyFile, row.fileBytes, databaseBytes(payload)],
    );
    if (changes === 0) return false;
    const into = 'INSERT INTO payloads (seq, epoch, head, body) VALUES (?, ?, ?, ?)';
    this.#prepare(into).run(seq, row.epoch, row.sealedHead, row.sealedBody);
    this.#ledger.addHere(row.state, 1);
    this.#ledger.addUnreleased(1);
    if (row.mirror === 'waiting') this.#ledger.addWaiting(1);
    return true;
  }

  /** `why` for parked and quarantined; false: it was not in a state for that, and stays. */
  mark(kind: keyof typeof MARKS, seq: number, { why }: { readonly why?: string } = {}): boolean {
    const values = { seq, ...(why === undefined ? {} : { why }) };
    const before = this.#prepare('SELECT state, mirror FROM records WHERE seq = ?').get(seq);
    if (this.#prepare(MARKS[kind]).run(values).changes !== 1) return false;
    if (textIn(before, 'mirror') === 'waiting') this.#ledger.addWaiting(-1);
    if (kind === 'quarantined') {
      this.#ledger.addHere(textIn(before, 'state'), -1);
      this.#ledger.addHere(kind, 1);
    }
    return true;
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

  /** The lowest that is here; 0 without any. */
  firstSeq(): number {
    return numberIn(this.#prepare('SELECT coalesce(min(seq), 0) AS seq FROM records').get(), 'seq');
  }

  /** So that no lower number is given from now on. */
  skipTo(seq: number): void {
    if (seq <= this.lastSeq()) return;
    const { changes } = this.#prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = 'records'").run(seq);
    if (changes === 0) this.#prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('records', ?)").run(seq);
  }

  /** Nothing was ever sealed here. */
  isEmptyOfKeys(): boolean {
    return this.#prepare('SELECT 1 FROM epochs LIMIT 1').get() === undefined;
  }

  /** Running time, milliseconds, as last saved. */
  elapsed(): number {
    return numberIn(this.#prepare("SELECT value FROM spool WHERE name = 'elapsed'").get(), 'value');
  }

  setElapsed(ms: number): void {
    this.#prepare("UPDATE spool SET value = ? WHERE name = 'elapsed'").run(ms);
  }

  #prepare(sql: string): StatementSync {
    return this.#database.prepare(sql);
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
    keptAt: numberIn(row, 'kept_at'),
    storedBytes: numberIn(row, 'stored_bytes'),
    totalBytes: numberIn(row, 'total_bytes'),
    truncated: numberIn(row, 'truncated') === 1,
    bodyFile: textOrNull(row, 'body_file'),
    epoch: numberIn(row, 'epoch'),
    sealedHead: bytesIn(row, 'head'),
  };
}

export function textOrNull(row: unknown, column: string): string | null {
  const value = valueIn(row, column) ?? null;
  return value === null ? null : textIn(row, column);
}

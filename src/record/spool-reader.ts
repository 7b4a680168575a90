/** Reading records back. What can't be read is quarantined: out of the way, counted, kept. */
import { stateFrom } from './ledger.ts';
import { CHECKED_ROWS, type Checked } from './spool-check.ts';
import { SpoolError, spoolErrorFrom, spoolFault } from './spool-error.ts';
import type { SpoolParts } from './spool-open.ts';
import { decodePayload, type Payload } from './spool-payload.ts';
import type { RecordRow, SealedRow } from './spool-rows.ts';
import { type CaptureHead, isKnownMirror, type KeptRecord, type MirrorState } from './states.ts';

/** null or absent: any. With `afterSeq` the oldest come first, else the newest. */
export interface RecordFilter {
  readonly state?: string | null;
  readonly mirror?: string | null;
  readonly rule?: string | null;
  readonly target?: string | null;
  readonly reason?: string | null;
  /** Epoch seconds: arrived then or later. */
  readonly since?: number | null;
  readonly limit: number;
  /** Only records with a lower sequence number. */
  readonly beforeSeq?: number | null;
  /** Only records with a higher sequence number. */
  readonly afterSeq?: number | null;
}

/** How many heads are opened at once: each may be 100 KiB. */
const PAGE = 64;
/** Of bodies in one look. */
const INSPECTED_BYTES = 1024 * 1024;

export class SpoolReader {
  readonly #parts: SpoolParts;
  readonly #onError: (error: SpoolError) => void;

  /** `onError`: a record was quarantined. */
  constructor(parts: SpoolParts, onError: (error: SpoolError) => void) {
    this.#parts = parts;
    this.#onError = onError;
  }

  get(id: string): KeptRecord | null {
    const row = this.#parts.rows.byId(id);
    return row === null ? null : this.#show(row);
  }

  list(filter: RecordFilter): KeptRecord[] {
    const { where, values } = conditionsFrom(filter);
    const forward = (filter.afterSeq ?? null) !== null;
    const records: KeptRecord[] = [];
    let edge: number | null = null;
    while (records.length < filter.limit) {
      const [more, last] = edge === null ? [[], []] : [[forward ? 'r.seq > ?' : 'r.seq < ?'], [edge]];
      const limit = Math.min(PAGE, filter.limit - records.length);
      const rows = this.#parts.rows.select([...where, ...more], [...values, ...last], forward ? 'ASC' : 'DESC', limit);
      records.push(...rows.map((row) => this.#show(row)));
      edge = rows.at(-1)?.seq ?? null;
      if (rows.length < limit) break;
    }
    return records;
  }

  /** Throws SpoolError. */
  body(record: KeptRecord): Uint8Array {
    return Buffer.concat([...this.chunks(record)]);
  }

  /** Pieces of at most 64 KiB. Throws SpoolError, also after some; the record is quarantined then. */
  *chunks(record: KeptRecord): Generator<Uint8Array> {
    let bytes = 0;
    try {
      for (const chunk of this.#stored(record)) {
        bytes += chunk.length;
        yield chunk;
      }
      if (bytes !== record.storedBytes)
        throw this.#damaged(record, `has ${bytes} bytes instead of ${record.storedBytes}`);
    } catch (error) {
      const failure = spoolErrorFrom(error, 'read', this.#parts.paths.folder);
      if (failure.fault !== 'closed') this.quarantine(record.seq, failure);
      throw failure;
    }
  }

  #stored({ seq, id }: KeptRecord): Iterable<Uint8Array> {
    const row = this.#parts.rows.bySeq(seq);
    if (row === null || row.id !== id) {
      throw spoolFault('read', 'closed', this.#parts.paths.folder, `record ${id} is released and gone`);
    }
    // The sealed head says where the body is: the row's own column could have been changed.
    const { bodyFile, storedBytes } = this.#openHead(row);
    if (bodyFile !== null) return this.#parts.bodies.chunks(bodyFile);
    if (storedBytes === 0) return [];
    const sealed = this.#parts.rows.sealedBody(seq);
    if (sealed === null)
      throw spoolFault('read', 'corrupt', this.#parts.paths.database, `the body of record ${id} is missing`);
    return [this.#parts.seals.openBody(row.epoch, seq, id, sealed)];
  }

  #openHead({ epoch, seq, id, sealedHead }: SealedRow): Payload {
    return decodePayload(this.#parts.seals.openHead(epoch, seq, id, sealedHead));
  }

  /** null: it can't be read, and is quarantined now. */
  #tryOpen(row: SealedRow): KeptRecord | null {
    try {
      const { head, storedBytes, totalBytes, truncated } = this.#openHead(row);
      const sealed = { totalBytes: totalBytes ?? row.totalBytes, truncated: truncated ?? row.truncated };
      return { ...plainFrom(row), ...sealed, head, storedBytes };
    } catch (error) {
      this.quarantine(row.seq, spoolErrorFrom(error, 'read', this.#parts.paths.database));
      return null;
    }
  }

  /** For people: what can't be read is shown by what its plain columns tell. */
  #show(row: SealedRow): KeptRecord {
    const record = this.#tryOpen(row);
    if (record !== null) return record;
    const mirror = row.mirror === 'waiting' ? 'parked' : mirrorFrom(row.mirror);
    const mirrorReason = row.mirrorReason === '' ? UNREADABLE : row.mirrorReason;
    return {
      ...plainFrom(row),
      state: 'quarantined',
      mirror,
      mirrorReason,
      head: headFromColumns(row),
      storedBytes: 0,
    };
  }

  /** Out of the way, and counted; it stays where it is. */
  quarantine(seq: number, error: SpoolError): void {
    const { database, rows } = this.#parts;
    const changed = database.transaction(() =>
      rows.mark('quarantined', seq, { why: `${UNREADABLE}: ${error.message}` }),
    );
    if (changed) this.#onError(error);
  }

  /**
   * Reads what is stored in the rows of one look: what can't be read is quarantined now, not when it is needed. So is
   * what is in a state that there is not.
   */
  inspect({ after, unknown }: Checked): void {
    const { paths, rows } = this.#parts;
    for (const seq of unknown) {
      this.quarantine(seq, spoolFault('read', 'corrupt', paths.database, `row ${seq} is in an unknown state`));
    }
    let bytes = 0;
    for (const row of rows.select(['r.seq > ?'], [after], 'ASC', CHECKED_ROWS)) {
      const record = row.state === 'quarantined' ? null : this.#tryOpen(row);
      if (record === null || row.bodyFile !== null || bytes > INSPECTED_BYTES) continue;
      bytes += record.storedBytes;
      this.#tryBody(record);
    }
  }

  #tryBody(record: KeptRecord): void {
    try {
      this.body(record);
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      // It is quarantined now.
    }
  }

  #damaged({ id }: KeptRecord, what: string): SpoolError {
    return spoolFault('read', 'corrupt', this.#parts.paths.folder, `the body of record ${id} ${what}`);
  }
}

const UNREADABLE = "what is stored of it can't be read";

function conditionsFrom(filter: RecordFilter): { readonly where: string[]; readonly values: (string | number)[] } {
  const pairs: readonly (readonly [string, string | number | null | undefined])[] = [
    ['state = ?', filter.state],
    ['mirror = ?', filter.mirror],
    ['rule = ?', filter.rule],
    ['target = ?', filter.target],
    ['reason = ?', filter.reason],
    ['at >= ?', filter.since],
    ['r.seq < ?', filter.beforeSeq],
    ['r.seq > ?', filter.afterSeq],
  ];
  const where: string[] = [];
  const values: (string | number)[] = [];
  for (const [sql, value] of pairs) {
    if (value === null || value === undefined) continue;
    where.push(sql);
    values.push(value);
  }
  return { where, values };
}

function plainFrom(row: RecordRow): Omit<KeptRecord, 'head' | 'storedBytes'> {
  const { seq, id, mirrorReason, totalBytes, truncated } = row;
  const state = stateFrom(row.state) ?? 'quarantined';
  return { seq, id, mirrorReason, totalBytes, truncated, state, mirror: mirrorFrom(row.mirror) };
}

const mirrorFrom = (text: string): MirrorState => (isKnownMirror(text) ? text : 'none');

function headFromColumns({ id, rule, target, method, at }: RecordRow): CaptureHead {
  const head = {
    listener: '',
    method,
    uri: '',
    rawHeaders: [],
    authority: '',
    scheme: 'http',
    httpVersion: '1.1',
    remoteAddress: '',
  } as const;
  const facts = {
    backendUrl: '',
    reason: 'protocol',
    errorReason: UNREADABLE,
    requestSent: 'no',
    traceId: '',
  } as const;
  return { id, timestamp: at, head, rule, target, ...facts, attempts: [], response: null };
}

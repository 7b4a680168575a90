/** What the admin API asks of the spool. Synchronous: both run in the keeper. */
import type { Reason } from '../../exchange.ts';
import type { KeptRecord, MirrorState, State } from '../../record/states.ts';

/** null: any. */
export interface RecordsFilter {
  readonly state: State | null;
  readonly mirror: MirrorState | null;
  readonly rule: string | null;
  readonly target: string | null;
  readonly reason: Reason | null;
  /** Epoch seconds: arrived then or later. */
  readonly since: number | null;
  /** Only records with a lower sequence number; null: from the newest on. */
  readonly beforeSeq: number | null;
  readonly limit: number;
}

export interface RecordsSource {
  /** Newest first, at most `limit`. */
  list(filter: RecordsFilter): readonly KeptRecord[];
  get(id: string): KeptRecord | null;
  /** The stored body, unsealed. Throws when it can't be read. */
  body(record: KeptRecord): Uint8Array;
}

/** Section 5's object, redacted: what may leave the process. `body: null` leaves the body out (`body_omitted`). */
export type ToRecord = (record: KeptRecord, body: Uint8Array | null) => object;

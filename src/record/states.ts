/** States of a kept exchange, and what the keeper's parts ask of the spool. */
import type { Capture } from '../exchange.ts';

/** Delivery: what becomes of the exchange itself. This version creates only `held`. */
export type State =
  | 'pending'
  | 'delivering'
  | 'waiting'
  | 'delivered'
  | 'dead'
  | 'held'
  | 'handedOver'
  | 'purged'
  | 'lost'
  | 'quarantined';

/** The copy in Kafka, beside the state. `none`: no mirror was configured when the record was committed. */
export type MirrorState = 'none' | 'waiting' | 'mirrored' | 'parked';

// A record keyed by the union type: one that is forgotten here does not compile.
const MIRRORS: Readonly<Record<MirrorState, true>> = { none: true, waiting: true, mirrored: true, parked: true };

export const isKnownMirror = (text: string): text is MirrorState => Object.hasOwn(MIRRORS, text);

/** Everything of a capture but its body, as stored (original values, unsealed). */
export type CaptureHead = Omit<Capture, 'body'>;

/** One kept exchange as the keeper reads it back. */
export interface KeptRecord {
  /** The spool's sequence number: the only order there is. */
  readonly seq: number;
  readonly id: string;
  readonly state: State;
  readonly mirror: MirrorState;
  /** Why it is parked, else ''. */
  readonly mirrorReason: string;
  readonly head: CaptureHead;
  /** Bytes of the request's body that are stored. */
  readonly storedBytes: number;
  /** Bytes that the caller sent, as far as they were counted. */
  readonly totalBytes: number;
  readonly truncated: boolean;
}

/** One that waits for Kafka, with its body where that was at hand. */
export interface WaitingRecord extends KeptRecord {
  /** Unsealed; null: a file, or not as it should be: `readBody` reads it, or says what is wrong. */
  readonly body: Uint8Array | null;
}

/** What the relay to Kafka needs of the spool. Synchronous: it runs in the keeper. */
export interface RelaySource {
  /** Records whose mirror is `waiting`, in sequence, after `afterSeq`, at most `limit`. */
  waiting(afterSeq: number, limit: number): readonly WaitingRecord[];
  /** The stored body, unsealed. Throws SpoolError when it can't be read (the record is then quarantined). */
  readBody(record: KeptRecord): Uint8Array;
  /** In rising order. One transaction, durable on return. */
  markMirrored(seqs: readonly number[]): void;
  /**
   * Acknowledged by Kafka without their bodies (`body_omitted`): they count as `mirrored`, but stay whole in the spool
   * and are not released by it, for theirs is the only copy of the body. One transaction, durable on return.
   */
  markMirroredWithoutBody(seqs: readonly number[]): void;
  /** Refused for good by Kafka: out of the way of the rest, listed with the reason. Durable on return. */
  park(seq: number, reason: string): void;
}

/** Cuts the waiting records into sends, in sequence, without holding the thread for longer than a few milliseconds. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { ProducerMessage } from './producer.ts';
import type { KeptRecord, RelaySource, WaitingRecord } from './states.ts';

/** The Kafka message of a record; `body` null: without it (`body: ""`, `body_omitted: true`). */
export type ToMessage = (record: KeptRecord, body: Uint8Array | null) => MirrorMessage;

export interface MirrorMessage {
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is remembered of a record while it is on its way: two thousand heads would outlive many a collection. */
export interface Entry {
  readonly seq: number;
  readonly id: string;
  readonly message: ProducerMessage;
  readonly bodyOmitted: boolean;
  readonly bytes: number;
}

export interface BatchReaderOptions {
  readonly source: RelaySource;
  readonly toMessage: ToMessage;
  readonly maxRecordBytes: number;
  /** The body can't be read: the source has set the record aside. Called once for each. */
  readonly onUnreadable: (record: KeptRecord, error: unknown) => void;
  /** `toMessage` threw: it would throw again. */
  readonly onUnbuildable: (record: KeptRecord, error: unknown) => void;
}

/** Of one send: more of it makes a drain no faster, and a commit on the same thread wait longer [measured]. */
export const MAX_RECORDS = 400;
export const MAX_BYTES = 512 * 1024;

/** Records read at once: their heads may be 100 KiB each, their bodies 64, and what lives long costs collections. */
const PAGE = 10;
const SLICE_MS = 1;
/** Of the record format, beside key, value and headers. */
const OVERHEAD_BYTES = 70;

export class BatchReader {
  readonly #options: BatchReaderOptions;
  readonly #unreadable = new Set<number>();
  #page: WaitingRecord[] = [];
  #afterSeq = 0;
  #held: Entry | null = null;

  constructor(options: BatchReaderOptions) {
    this.#options = options;
  }

  /** The next send, never empty; null: nothing waits behind what was read. One call at a time. */
  async next(maxRecords = MAX_RECORDS): Promise<readonly Entry[] | null> {
    const entries: Entry[] = [];
    let bytes = 0;
    let sliceEnd = performance.now() + SLICE_MS;
    for (let entry = this.#nextEntry(); entry !== null; entry = this.#nextEntry()) {
      if (entries.length > 0 && (bytes + entry.bytes > MAX_BYTES || entry.bodyOmitted)) {
        this.#held = entry;
        return entries;
      }
      entries.push(entry);
      bytes += entry.bytes;
      // Alone, because it is marked otherwise: each send is one transaction.
      if (entry.bodyOmitted || entries.length === maxRecords) return entries;
      if (performance.now() > sliceEnd) {
        await yieldToOthers();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
    return entries.length > 0 ? entries : null;
  }

  /** Forgets what was read: the next send is of the lowest sequence that still waits. Not while `next` is at it. */
  restart(): void {
    this.#page = [];
    this.#held = null;
    this.#afterSeq = 0;
  }

  /** The same record, smaller; null: it is gone or can't be built, and those who have to know do. */
  withoutBody({ seq }: Entry): Entry | null {
    const [record] = this.#options.source.waiting(seq - 1, 1);
    return record?.seq === seq ? this.#tryEntry(record, null) : null;
  }

  #nextEntry(): Entry | null {
    const held = this.#held;
    this.#held = null;
    if (held !== null) return held;
    for (let record = this.#nextRecord(); record !== null; record = this.#nextRecord()) {
      const entry = this.#unreadable.has(record.seq) ? null : this.#build(record);
      if (entry !== null) return entry;
    }
    return null;
  }

  #nextRecord(): WaitingRecord | null {
    if (this.#page.length === 0) this.#page = [...this.#options.source.waiting(this.#afterSeq, PAGE)];
    const record = this.#page.shift() ?? null;
    if (record !== null) this.#afterSeq = record.seq;
    return record;
  }

  #build(record: WaitingRecord): Entry | null {
    const { source, maxRecordBytes, onUnreadable } = this.#options;
    // JSON only ever makes a body longer: one that can't fit is not read at all.
    if (record.storedBytes > maxRecordBytes) return this.#tryEntry(record, null);
    let body = record.body;
    try {
      body ??= source.readBody(record);
    } catch (error) {
      this.#unreadable.add(record.seq);
      onUnreadable(record, error);
      return null;
    }
    const entry = this.#tryEntry(record, body);
    return entry !== null && entry.bytes > maxRecordBytes ? this.#tryEntry(record, null) : entry;
  }

  #tryEntry(record: KeptRecord, body: Uint8Array | null): Entry | null {
    try {
      return entryOf(record, this.#options.toMessage(record, body), body === null);
    } catch (error) {
      this.#options.onUnbuildable(record, error);
      return null;
    }
  }
}

function entryOf({ seq, id }: KeptRecord, message: MirrorMessage, bodyOmitted: boolean): Entry {
  let bytes = message.value.byteLength + Buffer.byteLength(message.key ?? '') + OVERHEAD_BYTES;
  for (const [name, value] of Object.entries(message.headers)) bytes += Buffer.byteLength(name + value);
  return { seq, id, message, bodyOmitted, bytes };
}

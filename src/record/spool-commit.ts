/** Group commit: bodies to the disk, then one transaction for all that waits. */
import { chunkPassed } from '../accept/chunk-garbage.ts';
import type { Capture } from '../exchange.ts';
import type { StoredBody } from './spool-bodies.ts';
import { FRAME_BYTES, sealedBytes } from './spool-body-file.ts';
import { type SpoolError, spoolErrorFrom } from './spool-error.ts';
import type { SpoolParts } from './spool-open.ts';
import { encodePayload } from './spool-payload.ts';
import { walBytesFor } from './spool-quota.ts';
import { databaseBytes } from './spool-rows.ts';
import type { CaptureHead } from './states.ts';

/** `partial`: on the disk, without all of its body. */
export type CommitOutcome =
  | { readonly id: string; readonly seq: number; readonly partial: boolean }
  | { readonly id: string; readonly why: string };

export interface CommitOptions {
  readonly limitBytes: number;
  readonly mirror: boolean;
}

interface Entry {
  readonly head: CaptureHead;
  readonly payload: Buffer;
  readonly inline: Uint8Array | null;
  readonly file: StoredBody | null;
  readonly storedBytes: number;
  readonly totalBytes: number;
  readonly truncated: boolean;
  /** Estimate of what it takes in the database. */
  readonly bytes: number;
}

/** A tag for each sealed blob. */
const TAGS = 32;
const EMPTY = new Uint8Array(0);

export class SpoolCommit {
  readonly #parts: SpoolParts;
  readonly #options: CommitOptions;
  #nextSeq: number;

  constructor(parts: SpoolParts, options: CommitOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#nextSeq = parts.rows.lastSeq() + 1;
  }

  /**
   * One outcome for each capture, in their order; with one, what it says is on the disk. Only more captures than a WAL
   * should take at once are cut into several transactions. `onError`: the disk or SQLite refused; those captures fail.
   */
  commit(captures: readonly Capture[], onError: (error: SpoolError) => void): CommitOutcome[] {
    const outcomes: CommitOutcome[] = [];
    for (const slice of this.#slices(this.#prepare(captures, onError))) {
      try {
        outcomes.push(...this.#commitSlice(slice));
      } catch (error) {
        const failure = spoolErrorFrom(error, 'commit', this.#parts.paths.folder);
        this.#dropFiles(slice);
        outcomes.push(...slice.map(({ head: { id } }) => ({ id, why: failure.message })));
        onError(failure);
      }
    }
    return outcomes;
  }

  /** The next sequence number: given once, whatever becomes of it. */
  takeSeq(): number {
    const seq = this.#nextSeq;
    this.#nextSeq += 1;
    return seq;
  }

  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  /** Bodies are complete and their names durable when it returns: before any row names them. */
  #prepare(captures: readonly Capture[], onError: (error: SpoolError) => void): Entry[] {
    const entries = captures.map((capture) => this.#entryOf(capture, onError));
    if (!entries.some(({ file }) => file !== null)) return entries;
    try {
      this.#parts.bodies.sync();
      return entries;
    } catch (error) {
      onError(spoolErrorFrom(error, 'commit', this.#parts.paths.bodies));
      this.#dropFiles(entries);
      return entries.map((entry) =>
        entry.file === null ? entry : entryFrom(entry.head, null, null, entry.totalBytes, true),
      );
    }
  }

  /** A body that can't be kept costs the body, not the record. */
  #entryOf(head: Capture, onError: (error: SpoolError) => void): Entry {
    const { body } = head;
    const { totalBytes } = body;
    if (body.kind === 'memory' && body.bytes.length <= FRAME_BYTES) {
      return entryFrom(head, body.bytes, null, totalBytes, body.truncated);
    }
    let file: StoredBody | null = null;
    try {
      file = body.kind === 'file' ? this.#parts.bodies.finish(body.file) : this.#storeLarge(body.bytes);
    } catch (error) {
      onError(spoolErrorFrom(error, 'copy', this.#parts.paths.bodies));
    }
    return entryFrom(head, null, file, totalBytes, body.truncated || file === null || file.bytes !== totalBytes);
  }

  #storeLarge(bytes: Uint8Array): StoredBody | null {
    const needed = sealedBytes(bytes.length);
    return this.#parts.quota.roomForFiles(needed) < needed ? null : this.#parts.bodies.store(bytes);
  }

  *#slices(entries: readonly Entry[]): Generator<readonly Entry[]> {
    const most = walBytesFor(this.#options.limitBytes);
    let slice: Entry[] = [];
    let bytes = 0;
    for (const entry of entries) {
      if (slice.length > 0 && bytes + entry.bytes > most) {
        yield slice;
        slice = [];
        bytes = 0;
      }
      slice.push(entry);
      bytes += entry.bytes;
    }
    if (slice.length > 0) yield slice;
  }

  #commitSlice(slice: readonly Entry[]): CommitOutcome[] {
    const { database, ledger, quota, rows, time } = this.#parts;
    let room = quota.roomForRows(slice.reduce((sum, { bytes }) => sum + bytes, 0));
    const fits = slice.map(({ bytes }) => {
      if (bytes > room) return false;
      room -= bytes;
      return true;
    });
    const refused = slice.filter((_, index) => !fits[index]);
    const outcomes = database.transaction(() => {
      const inserted = slice.map((entry, index) => (fits[index] ? this.#insert(entry) : this.#refusal(entry)));
      ledger.addCaptured(inserted.filter(({ isNew }) => isNew).length);
      rows.setElapsed(time.now());
      return inserted;
    });
    database.refuseMoved();
    this.#dropFiles([...refused, ...slice.filter((_, index) => fits[index] && outcomes[index]?.isNew === false)]);
    return outcomes.map(({ outcome }) => outcome);
  }

  #insert(entry: Entry): { readonly isNew: boolean; readonly outcome: CommitOutcome } {
    const { rows, seals, time } = this.#parts;
    const { head, file, inline, payload, storedBytes, totalBytes, truncated } = entry;
    const { id } = head;
    // Never given twice, also not after a rollback: nonces hang on it.
    const seq = this.takeSeq();
    const isNew = rows.insert({
      ...{ seq, head, storedBytes, totalBytes, truncated, epoch: seals.epoch, keptAt: time.now(), state: 'held' },
      mirror: this.#options.mirror ? 'waiting' : 'none',
      mirrorReason: '',
      bodyFile: file?.name ?? null,
      fileBytes: file?.fileBytes ?? 0,
      sealedHead: seals.sealHead(seq, id, payload),
      sealedBody: inline === null || inline.length === 0 ? null : seals.sealBody(seq, id, inline),
    });
    // Enciphered, and sealed: a group of large bodies would have all of theirs at once.
    chunkPassed(2 * (payload.length + storedBytes));
    if (isNew) return { isNew, outcome: { id, seq, partial: truncated } };
    // Handed over again by someone who did not hear the first answer.
    return { isNew, outcome: { id, ...(rows.committed(id) ?? { seq, partial: truncated }) } };
  }

  #refusal({ head: { id }, bytes }: Entry): { readonly isNew: boolean; readonly outcome: CommitOutcome } {
    const { limitBytes } = this.#options;
    const used = this.#parts.quota.bytes;
    const why = `spool: it is full: ${used} of ${limitBytes} bytes, ${bytes} more needed, and nothing left that is released (raise spool.size, or let the mirror or a person release records)`;
    return { isNew: false, outcome: { id, why } };
  }

  #dropFiles(entries: readonly Entry[]): void {
    this.#parts.bodies.remove(entries.flatMap(({ file }) => file?.name ?? []));
  }
}

function entryFrom(
  head: CaptureHead,
  inline: Uint8Array | null,
  file: StoredBody | null,
  totalBytes: number,
  truncated: boolean,
): Entry {
  const storedBytes = file?.bytes ?? (inline ?? EMPTY).length;
  const payload = encodePayload({ head, bodyFile: file?.name ?? null, storedBytes, totalBytes, truncated });
  const bytes = databaseBytes(payload.length + (inline ?? EMPTY).length + TAGS);
  return { head, payload, inline, file, storedBytes, totalBytes, truncated, bytes };
}

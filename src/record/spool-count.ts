/**
 * The second count: how many records were ever captured, in a file of its own beside the database. It is written after
 * each commit and before any answer, so the database can only be ahead of it. One that is behind has lost what was
 * promised: a WAL with a flipped bit, for SQLite silently leaves out all that follows it, or an older copy of the file.
 * Two slots in turn, each with its sum: a write that is torn leaves the other.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { LossCounts } from './ledger.ts';
import { spoolErrorFrom } from './spool-error.ts';

export interface Count {
  /** Of this spool and all whose records it took over: `kept` and all of `settled`. */
  readonly captured: number;
  /** Readable records that are not released: what would be missing if the database were. */
  readonly kept: number;
  /** The others, by the state in which they ended. */
  readonly settled: Readonly<Record<string, number>>;
  /** Of those in the state `lost`, by reason. */
  readonly lost: LossCounts;
  /** The highest sequence number that was given. */
  readonly lastSeq: number;
}

const SLOT_BYTES = 512;
const SLOTS = 2;
const SUM_DIGITS = 16;

export class SpoolCount {
  readonly #path: string;
  readonly #handle: number;
  #turn = 0;
  #last: Count | null;

  /** Throws SpoolError. */
  constructor(path: string) {
    this.#path = path;
    try {
      // Read and written, made when it is not there, never through a link (CWE-59).
      this.#handle = openSync(
        path,
        constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
        0o600,
      );
    } catch (error) {
      throw spoolErrorFrom(error, 'open', path);
    }
    const { count, turn } = readSlots(this.#handle);
    this.#last = count;
    this.#turn = turn;
  }

  /** As last written; null: never, or unreadable. */
  get value(): Count | null {
    return this.#last;
  }

  /** What the file really says now. */
  reread(): Count | null {
    return readSlots(this.#handle).count;
  }

  /** In the kernel's hands on return: it survives a kill of the process. Throws SpoolError. */
  write(count: Count): void {
    this.#turn += 1;
    try {
      writeSync(this.#handle, slotText(count, this.#turn), (this.#turn % SLOTS) * SLOT_BYTES);
    } catch (error) {
      throw spoolErrorFrom(error, 'commit', this.#path);
    }
    this.#last = count;
  }

  /** On the disk: for a loss of power it may lag behind by what came since. */
  sync(): void {
    try {
      fdatasyncSync(this.#handle);
    } catch (error) {
      throw spoolErrorFrom(error, 'commit', this.#path);
    }
  }

  close(): void {
    closeSync(this.#handle);
  }
}

/** Of a folder that nobody has open; null when there is none: older releases wrote none. Throws SpoolError. */
export function readCount(path: string): Count | null {
  if (!existsSync(path)) return null;
  let handle: number | null = null;
  try {
    handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return readSlots(handle).count;
  } catch (error) {
    throw spoolErrorFrom(error, 'read', path);
  } finally {
    if (handle !== null) closeSync(handle);
  }
}

function readSlots(handle: number): { readonly count: Count | null; readonly turn: number } {
  const bytes = Buffer.alloc(SLOT_BYTES * SLOTS);
  const length = readSync(handle, bytes, 0, bytes.length, 0);
  let best: { readonly count: Count | null; readonly turn: number } = { count: null, turn: 0 };
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const text = bytes.toString('latin1', slot * SLOT_BYTES, Math.min(length, (slot + 1) * SLOT_BYTES));
    const found = parseSlot(text);
    if (found !== null && found.turn > best.turn) best = found;
  }
  return best;
}

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, SUM_DIGITS);

function slotText(count: Count, turn: number): string {
  const text = `outrider count ${turn} ${JSON.stringify(count)} `;
  return `${text}${sumOf(text)}\n`.padEnd(SLOT_BYTES, '\0');
}

/** Only what has its sum is ours, and its shape is trusted. */
function parseSlot(slot: string): { readonly count: Count; readonly turn: number } | null {
  const [, text, turn, json, sum] = /^(outrider count (\d+) ({.*}) )([0-9a-f]{16})\n/.exec(slot) ?? [];
  if (text === undefined || json === undefined || sum !== sumOf(text)) return null;
  return { count: JSON.parse(json), turn: Number(turn) };
}

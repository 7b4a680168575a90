/** The quota: the bytes of everything in the spool's folder, and how released records make room in it. */

import type { SpoolBodies } from './spool-bodies.ts';
import { PAGE_BYTES, type SpoolDatabase } from './spool-database.ts';
import { asideIn, fileBytes, folderBytes, type SpoolPaths } from './spool-folder.ts';
import type { SpoolRows } from './spool-rows.ts';

export interface QuotaParts {
  readonly paths: SpoolPaths;
  readonly database: SpoolDatabase;
  readonly rows: SpoolRows;
  readonly bodies: SpoolBodies;
  readonly limitBytes: number;
}

/** Rows removed in one transaction: some milliseconds of work. */
const BATCH = 1000;
/** More than is asked for is freed at once, so that it is not asked at each commit. */
const SLACK = 1 / 16;
const MIN_WAL = 256 * 1024;
const MAX_WAL = 4 * 1024 * 1024;

/** The WAL is written back at this size; a transaction should not be larger. */
export const walBytesFor = (limitBytes: number): number =>
  Math.min(MAX_WAL, Math.max(MIN_WAL, Math.floor(limitBytes / 32)));

export class SpoolQuota {
  readonly #parts: QuotaParts;
  /** What a WAL can grow to: up to the write-back, then by one transaction, and what that one rewrites. */
  readonly #walReserve: number;
  /** Key and files that were set aside. */
  #otherBytes = 0;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
    this.#walReserve = Math.min(3 * walBytesFor(parts.limitBytes), Math.floor(parts.limitBytes / 4));
    this.measure();
  }

  /** Of the whole folder, now. */
  get bytes(): number {
    return this.#databaseBytes() + this.#walBytes() + this.#fileBytes();
  }

  /** Looks at the real folder again: for what was put there by others, or stayed against our will. */
  measure(): void {
    const { paths, bodies } = this.#parts;
    const { database, folder } = paths;
    const ours = fileBytes(database) + fileBytes(`${database}-wal`) + bodies.keptBytes + bodies.liveBytes;
    this.#otherBytes = Math.max(0, folderBytes(folder) - ours);
  }

  /** Makes room for rows. Returns the bytes there are, which are fewer than asked when only unreleased records are left. */
  roomForRows(bytes: number): number {
    const room = (): number => this.#room() + this.#parts.database.pages().free * PAGE_BYTES;
    while (room() < bytes && this.#removeReleased(this.#withSlack(bytes - room())));
    return room();
  }

  /** The same for files: free pages of the database don't count, so they are given back. */
  roomForFiles(bytes: number): number {
    while (this.#room() < bytes) {
      const missing = this.#withSlack(bytes - this.#room());
      if (!this.#giveBack(missing) && !this.#removeReleased(missing)) break;
    }
    return this.#room();
  }

  /** Removes records that were released by then (running time), some thousand at most. True: there may be more. */
  removeReleasedBefore(time: number): boolean {
    const rows = this.#parts.rows.released(time, BATCH);
    this.#remove(rows);
    return rows.length === BATCH;
  }

  #withSlack(bytes: number): number {
    return bytes + this.#parts.limitBytes * SLACK;
  }

  /** Negative when the folder holds more than it may: the limit was lowered, or something else lies there. */
  #room(): number {
    return (
      this.#parts.limitBytes - this.#databaseBytes() - Math.max(this.#walReserve, this.#walBytes()) - this.#fileBytes()
    );
  }

  #databaseBytes(): number {
    return this.#parts.database.pages().all * PAGE_BYTES;
  }

  #walBytes(): number {
    return fileBytes(`${this.#parts.paths.database}-wal`);
  }

  #fileBytes(): number {
    const { bodies } = this.#parts;
    return this.#otherBytes + bodies.keptBytes + bodies.liveBytes;
  }

  /** The longest released ones, of about so many bytes. False: there is none. */
  #removeReleased(bytes: number): boolean {
    let left = bytes;
    const rows = this.#parts.rows.released(Number.MAX_VALUE, BATCH).filter((row) => {
      const wanted = left > 0;
      left -= row.bytes;
      return wanted;
    });
    this.#remove(rows);
    return rows.length > 0;
  }

  #remove(removable: ReturnType<SpoolRows['released']>): void {
    const { database, rows, bodies } = this.#parts;
    if (removable.length === 0) return;
    database.transaction(() => rows.remove(removable));
    // Only now: a row must never name a file that is gone.
    bodies.remove(removable.flatMap(({ bodyFile }) => bodyFile ?? []));
  }

  /** False: the database has no page to spare. */
  #giveBack(bytes: number): boolean {
    const { database } = this.#parts;
    const pages = Math.min(database.pages().free, Math.ceil(bytes / PAGE_BYTES));
    if (pages === 0) return false;
    database.vacuum(pages);
    database.checkpoint();
    return true;
  }
}

/** A line about what was set aside and still takes room; '' without. */
export function asideWarning({ folder }: SpoolPaths): string {
  const names = asideIn(folder);
  if (names.length === 0) return '';
  return `spool: ${folder} holds ${names.length} files that could not be read and were set aside (${names[0]} …): they count against spool.size until you remove them`;
}

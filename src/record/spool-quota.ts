/** The quota: the bytes of everything in the spool's folder, and how released records make room in it. */
import { rmSync, statfsSync } from 'node:fs';
import type { Loss } from './ledger.ts';
import { asideBytes, siblingsOf, unreadableFolders } from './spool-aside.ts';
import type { SpoolBodies } from './spool-bodies.ts';
import { PAGE_BYTES, type SpoolDatabase } from './spool-database.ts';
import { faultOf } from './spool-error.ts';
import { asideIn, fileBytes, folderBytes, type SpoolPaths } from './spool-folder.ts';
import type { RemovableRow, SpoolRemoval } from './spool-removal.ts';
import type { SpoolReserve } from './spool-reserve.ts';

export interface QuotaParts {
  readonly paths: SpoolPaths;
  readonly database: SpoolDatabase;
  readonly removal: SpoolRemoval;
  readonly bodies: SpoolBodies;
  readonly reserve: SpoolReserve;
  readonly limitBytes: number;
  /** Records that are not released make room too, the oldest first, and are counted as lost. */
  readonly dropOldest: boolean;
}

/** Rows removed in one transaction: some milliseconds of work. */
const BATCH = 1000;
/** While an old database moves in, both count: so much more than the quota may then be used. */
const MOVE_SHARE = 1 / 2;
/** More than is asked for is freed at once, so that it is not asked at each commit. */
const SLACK = 1 / 16;
const MIN_WAL = 64 * 1024;
const MAX_WAL = 4 * 1024 * 1024;

/** The WAL is written back at this size; a transaction should not be larger. */
export const walBytesFor = (limitBytes: number): number =>
  Math.min(MAX_WAL, Math.max(MIN_WAL, Math.floor(limitBytes / 32)));

export class SpoolQuota {
  readonly #parts: QuotaParts;
  /** What a WAL can grow to: up to the write-back, then by one transaction, and what that one rewrites. */
  readonly #walReserve: number;
  /** Key, reserve, and what was set aside or put there by others. */
  #otherBytes = 0;
  #isMoving = false;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
    this.#walReserve = Math.min(3 * walBytesFor(parts.limitBytes), Math.floor(parts.limitBytes / 4));
    this.measure();
  }

  /** Whether records that are not released may be given up for others. */
  get dropsOldest(): boolean {
    return this.#parts.dropOldest;
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
    this.#otherBytes = Math.max(0, folderBytes(folder) - ours) + asideBytes(paths);
    this.#isMoving = siblingsOf(paths).some(({ isOwn }) => isOwn);
  }

  /** Makes room for rows. Returns the bytes there are: fewer than asked when only what must stay is left. */
  roomForRows(bytes: number, mayDrop = true): number {
    const room = (): number => this.#room() + this.#parts.database.pages().free * PAGE_BYTES;
    while (room() < bytes) {
      const missing = this.#withSlack(bytes - room());
      if (this.#removeReleased(missing) || this.#removeUnreadable()) continue;
      if (!mayDrop || !this.#dropOldest(missing)) break;
    }
    return room();
  }

  /**
   * The same for files: free pages of the database don't count, so they are given back. What is dropped for the copies of
   * live requests, most of which go well, is bounded by the share that these may take.
   */
  roomForFiles(bytes: number): number {
    while (this.#room() < bytes) {
      const missing = this.#withSlack(bytes - this.#room());
      if (this.#giveBack(missing) || this.#removeReleased(missing) || this.#removeUnreadable()) continue;
      if (!this.#dropOldest(missing)) break;
    }
    return this.#room();
  }

  /** Removes records that were released by then (running time), some thousand at most. True: there may be more. */
  removeReleasedBefore(time: number): boolean {
    const rows = this.#parts.removal.released(time, BATCH);
    this.#remove(rows);
    return rows.length === BATCH;
  }

  /** Gives up records that were kept by then (running time) and are not released. True: there may be more. */
  loseOlderThan(time: number): boolean {
    const rows = this.#parts.removal.unreleased(time, BATCH);
    this.#remove(rows, 'maxAge');
    return rows.length === BATCH;
  }

  #withSlack(bytes: number): number {
    return bytes + this.#parts.limitBytes * SLACK;
  }

  /** Negative when the folder holds more than it may: the limit was lowered, or something else lies there. */
  #room(): number {
    const limit = this.#parts.limitBytes * (this.#isMoving ? 1 + MOVE_SHARE : 1);
    const byLimit = limit - this.#databaseBytes() - Math.max(this.#walReserve, this.#walBytes()) - this.#fileBytes();
    return this.#isMoving ? Math.min(byLimit, this.#volumeRoom()) : byLimit;
  }

  /**
   * An old database takes what the volume may not have twice, and gives nothing back before it has moved: a full
   * volume would be full for good. So the WAL, by which records are marked and go, finds its room there too.
   */
  #volumeRoom(): number {
    const { bavail, bsize } = statfsSync(this.#parts.paths.folder);
    return bavail * bsize - Math.max(0, this.#walReserve - this.#walBytes());
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
    const rows = worth(bytes, this.#parts.removal.released(Number.MAX_VALUE, BATCH));
    this.#remove(rows);
    return rows.length > 0;
  }

  /** The oldest of all, where that is wished. False: it is not, or there is none. */
  #dropOldest(bytes: number): boolean {
    // Not where all of them would not do: something else takes the room.
    if (!this.#parts.dropOldest || this.#roomWithoutRecords() < bytes) return false;
    const rows = worth(bytes, this.#parts.removal.unreleased(Number.MAX_VALUE, BATCH));
    this.#remove(rows, 'dropOldest');
    return rows.length > 0;
  }

  #roomWithoutRecords(): number {
    const { limitBytes, bodies } = this.#parts;
    return limitBytes - this.#walReserve - this.#otherBytes - bodies.liveBytes;
  }

  /** What could not be read of an older database: everything else of it has moved. False: there is none. */
  #removeUnreadable(): boolean {
    const [oldest] = unreadableFolders(this.#parts.paths);
    if (oldest === undefined) return false;
    rmSync(oldest, { recursive: true, force: true });
    this.measure();
    return true;
  }

  /** On a full disk the reserve is given up for it. */
  #remove(removable: readonly RemovableRow[], loss: Loss | null = null): void {
    const { database, removal, bodies, reserve } = this.#parts;
    if (removable.length === 0) return;
    const remove = (): void => database.transaction(() => removal.remove(removable, loss));
    try {
      remove();
    } catch (error) {
      if (faultOf(error) !== 'full' || !reserve.release()) throw error;
      remove();
    }
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

/** The first ones, until they are worth so many bytes. */
function worth(bytes: number, rows: readonly RemovableRow[]): readonly RemovableRow[] {
  let left = bytes;
  return rows.filter((row) => {
    const wanted = left > 0;
    left -= row.bytes;
    return wanted;
  });
}

/** A line about what could not be read and still takes room; '' without. */
export function asideWarning(paths: SpoolPaths): string {
  const names = [...asideIn(paths.folder), ...unreadableFolders(paths)];
  if (names.length === 0) return '';
  return `spool: what could not be read of earlier databases was set aside (${names.join(', ')}): it counts against spool.size until you remove it`;
}

/**
 * Moves the records of older databases over, under the same ids, some at a time: those of folders that were set aside
 * after a fault, and those that other pods left on a shared volume. A crash at any moment is a repetition, never a loss:
 * how far a move has come is committed with the rows themselves.
 */
import { existsSync, readdirSync } from 'node:fs';
import { type Ledger, ledgerOf, stateFrom } from './ledger.ts';
import { keepForALook, removeFolder, type Sibling, siblingsOf } from './spool-aside.ts';
import { SpoolDatabase } from './spool-database.ts';
import { faultOf, spoolErrorFrom } from './spool-error.ts';
import type { Move } from './spool-ledger.ts';
import { type MovedRow, moveRow } from './spool-move-row.ts';
import type { SpoolParts } from './spool-open.ts';
import type { SealedRow } from './spool-rows.ts';
import { SpoolSource } from './spool-source.ts';

export interface MoverOptions {
  /** `spool.keyFile`. */
  readonly keyFile: string;
  readonly limitBytes: number;
  /** Milliseconds for which another pod's folder must have been free: its container may just be restarting. */
  readonly adoptAfterMs: number;
  /** For the log. */
  readonly report: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** `full`: what is left waits for room. */
export type MoveStep = 'moved' | 'idle' | 'full';

const PAGE = 100;
const START: Move = { seq: 0, records: 0, done: false };
/** A folder that can't be removed is tried again after this long. */
const STUCK_MS = 60_000;
/** So often is an abandoned folder looked at before it is adopted. */
const LOOKS = 4;
/** Of the quota, what new captures find free while an old database moves in. */
const LEFT_FREE = 1 / 8;

export class SpoolMover {
  readonly #parts: SpoolParts;
  readonly #takeSeq: () => number;
  readonly #options: MoverOptions;
  readonly #freeSince = new Map<string, number>();
  readonly #told = new Set<string>();
  /** Folders that could not be removed, and when (running time). */
  readonly #stuck = new Map<string, number>();
  /** When the folders of other pods were last looked at (running time). */
  #looked = Number.NEGATIVE_INFINITY;
  #current: { readonly source: SpoolSource; readonly sibling: Sibling; move: Move } | null = null;

  constructor(parts: SpoolParts, takeSeq: () => number, options: MoverOptions) {
    this.#parts = parts;
    this.#takeSeq = takeSeq;
    this.#options = options;
  }

  /** Of the source that is moving: what it still has, and what had left it before. */
  get ledger(): Ledger | null {
    if (this.#current === null || this.#current.move.done) return null;
    const { source, move } = this.#current;
    const settled = settledOf(source);
    const left = Math.max(0, source.ledger.unreleased - move.records);
    return ledgerOf(sumOf(settled) + left, ...settled, ['held', left]);
  }

  /** Opens the next source, if there is one. Throws SpoolError when the spool itself fails. */
  look(): boolean {
    if (this.#current !== null) return true;
    const now = this.#parts.time.now();
    // To look is to open their databases: not at every upkeep, for there may be a hundred of them.
    const isTimeForOthers = now - this.#looked >= this.#options.adoptAfterMs / LOOKS;
    if (isTimeForOthers) this.#looked = now;
    for (const sibling of siblingsOf(this.#parts.paths)) {
      if (now - (this.#stuck.get(sibling.name) ?? Number.NEGATIVE_INFINITY) < STUCK_MS) continue;
      if (!sibling.isOwn && !(isTimeForOthers && this.#isAbandoned(sibling))) continue;
      const source = this.#tryOpen(sibling);
      if (source === null) continue;
      this.#begin(source, sibling);
      return true;
    }
    return false;
  }

  /** Moves at most a hundred records, in one transaction. Throws SpoolError when the spool itself fails. */
  step(): MoveStep {
    if (!this.look() || this.#current === null) return 'idle';
    const { source, move } = this.#current;
    if (move.done) return this.#finish();
    const page = source.page(move.seq, PAGE);
    if (page.last === null) return this.#finish();
    const rows = this.#fitting(page.rows);
    if (rows.length === 0 && page.rows.length > 0) return this.#withoutRoom(page.rows, page.last);
    const last = rows.length < page.rows.length ? (rows.at(-1)?.seq ?? move.seq) : page.last;
    const { bodies, database, ledger, rows: target, time } = this.#parts;
    const moved = rows.flatMap((row) => this.#tryMove(source, row));
    if (moved.some(({ row }) => row?.bodyFile)) bodies.sync();
    const next: Move = { seq: last, records: move.records + moved.length, done: false };
    database.transaction(() => {
      const inserted = moved.filter(({ row }) => row !== null && target.insert(row)).length;
      ledger.addCaptured(inserted);
      ledger.saveMove(source.identity, next);
      target.setElapsed(time.now());
    });
    database.refuseMoved();
    this.#current.move = next;
    for (const { dropSource } of moved) dropSource();
    return 'moved';
  }

  close(): void {
    this.#current?.source.close();
    this.#current = null;
  }

  /** The first of them, as many as there is room for: on a volume that is nearly full that may be one at a time. */
  #fitting(rows: readonly SealedRow[]): readonly SealedRow[] {
    const sizes = rows.map(({ sealedHead, storedBytes }) => sealedHead.length + storedBytes + 1024);
    const free = this.#options.limitBytes * LEFT_FREE;
    // What moves in must not push out what is newer.
    const room = this.#parts.quota.roomForRows(
      sizes.reduce((sum, bytes) => sum + bytes, free),
      false,
    );
    let left = room - Math.min(free, room / 2);
    const beyond = sizes.findIndex((bytes) => {
      left -= bytes;
      return left < 0;
    });
    return beyond < 0 ? rows : rows.slice(0, beyond);
  }

  #begin(source: SpoolSource, sibling: Sibling): void {
    const { database, ledger } = this.#parts;
    database.transaction(() => {
      // It may have been in the middle of moving an older one itself.
      for (const [name, move] of source.moves()) if (ledger.move(name) === null) ledger.saveMove(name, move);
    });
    this.#current = { source, sibling, move: ledger.move(source.identity) ?? START };
    const { unreleased } = source.ledger;
    if (unreleased > 0) this.#options.report('info', `spool: ${unreleased} records move over from ${sibling.name}`);
  }

  /** Its ledger is carried in one transaction; then its folder goes, or stays for a look. */
  #finish(): MoveStep {
    if (this.#current === null) return 'idle';
    const { source, sibling, move } = this.#current;
    const { database, ledger } = this.#parts;
    const unreadable = Math.max(0, source.ledger.unreleased - move.records);
    if (!move.done) {
      const { captured, states } = carriedBy(source, unreadable);
      database.transaction(() => {
        ledger.addCaptured(captured);
        for (const [state, count] of states) ledger.addGone(state, count);
        ledger.carryLost(source.ledger.lost);
        ledger.saveMove(source.identity, { ...move, done: true });
      });
    }
    this.close();
    this.#freeSince.delete(sibling.name);
    // Till its folder is gone it must be known that nothing of it counts any more.
    if (!this.#clear(source, sibling, unreadable)) {
      this.#stuck.set(sibling.name, this.#parts.time.now());
      return 'idle';
    }
    database.transaction(() => ledger.forgetMove(source.identity));
    return 'moved';
  }

  /** The oldest records of all: where those may be given up, they are; else they wait. */
  #withoutRoom(rows: readonly SealedRow[], last: number): MoveStep {
    const { database, ledger, quota } = this.#parts;
    if (this.#current === null) return 'idle';
    const { source, sibling, move } = this.#current;
    if (!quota.dropsOldest) {
      const left = source.ledger.unreleased - move.records;
      this.#tellOnce(
        'warn',
        `spool: ${left} records of ${sibling.name} wait for room: release some, or raise spool.size`,
      );
      return 'full';
    }
    const readable = rows.filter(({ state }) => stateFrom(state) !== null && state !== 'quarantined').length;
    const next: Move = { seq: last, records: move.records + readable, done: false };
    database.transaction(() => {
      ledger.addCaptured(readable);
      ledger.addLost('dropOldest', readable);
      ledger.saveMove(source.identity, next);
    });
    this.#current.move = next;
    return 'moved';
  }

  /** False: it could not be removed, and is tried again later. */
  #clear({ paths, damage }: SpoolSource, { name, isOwn }: Sibling, unreadable: number): boolean {
    const { report } = this.#options;
    try {
      const nameless = !existsSync(paths.database) && existsSync(paths.bodies) && readdirSync(paths.bodies).length > 0;
      if (unreadable === 0 && damage === null && !nameless) {
        removeFolder(paths);
        // Something that is not ours lies in it: under another name it is no source any more.
        if (isOwn && existsSync(paths.folder)) keepForALook(paths);
        return true;
      }
      const kept = keepForALook(paths);
      report('error', `spool: ${unreadable} records of ${name} could not be read and are quarantined; see ${kept}`);
      return true;
    } catch (error) {
      this.#tellOnce('warn', spoolErrorFrom(error, 'delete', paths.folder).message);
      return false;
    }
  }

  /** One row in our own words; none where it can't be read. */
  #tryMove(source: SpoolSource, row: Parameters<typeof moveRow>[1]): MovedRow[] {
    if (stateFrom(row.state) === null || row.state === 'quarantined') return [];
    const moved = moveRow(source, row, this.#parts, this.#takeSeq);
    return moved === null ? [] : [moved];
  }

  /** Null: its owner lives, or it can't be opened with what there is here. */
  #tryOpen(sibling: Sibling): SpoolSource | null {
    try {
      return new SpoolSource(sibling.paths, this.#options.keyFile);
    } catch (error) {
      const { fault, message } = spoolErrorFrom(error, 'open', sibling.paths.folder);
      if (fault !== 'locked') this.#tellOnce('warn', message);
      return null;
    }
  }

  #tellOnce(level: 'warn', message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#options.report(level, message);
  }

  /** Nobody has had it for long enough. Its lock tells, as it does for its own pod. */
  #isAbandoned({ name, paths }: Sibling): boolean {
    const now = this.#parts.time.now();
    try {
      new SpoolDatabase(paths.database, PAGE).close();
    } catch (error) {
      // Damage is for the move to deal with, once it is certain that nobody else does.
      if (faultOf(error) !== 'corrupt') {
        this.#freeSince.delete(name);
        return false;
      }
    }
    const since = this.#freeSince.get(name) ?? now;
    this.#freeSince.set(name, since);
    return now - since >= this.#options.adoptAfterMs;
  }
}

type Counts = readonly (readonly [state: string, count: number])[];

const settledOf = ({ ledger }: SpoolSource): Counts =>
  Object.entries(ledger.settled).filter(([state, count]) => stateFrom(state) !== null && count > 0);
const sumOf = (counts: Counts): number => counts.reduce((total, [, count]) => total + count, 0);

/**
 * What a source adds to the ledger beside the rows that moved: those that had ended before, and those that can't be
 * read. A source whose own numbers don't add up has lost something: that is quarantined as well.
 */
function carriedBy(source: SpoolSource, unreadable: number): { readonly captured: number; readonly states: Counts } {
  const { captured, unreleased } = source.ledger;
  const settled = settledOf(source);
  const missing = Math.max(0, captured - unreleased - sumOf(settled));
  const states = [...settled, ['quarantined', unreadable + missing] as const];
  return { captured: sumOf(states), states };
}

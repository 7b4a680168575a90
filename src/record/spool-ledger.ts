/**
 * The ledger's side of the database: what was ever captured, what has left the spool and in which state, what was given
 * up and why. Counts of what lies here are kept in memory beside the rows, for counting a million rows at each scrape
 * would hold the keeper; `recount` compares them with the rows. All writes belong in a transaction.
 */
import { type Ledger, LOSSES, type Loss, ledgerOf } from './ledger.ts';
import type { Count } from './spool-count.ts';
import { numberIn, type SpoolDatabase, textIn } from './spool-database.ts';

type Counts = Record<string, number>;

/** What is remembered of an older database while its records move over, and until its folder is gone. */
export interface Move {
  /** Records up to this sequence number have moved. */
  readonly seq: number;
  /** How many of them. */
  readonly records: number;
  /** Its ledger is carried: nothing of it counts any more. */
  readonly done: boolean;
}

interface Numbers {
  captured: number;
  /** Records that wait for the mirror. */
  waiting: number;
  unreleased: number;
  readonly here: Counts;
  readonly gone: Counts;
  readonly lost: Counts;
}

/** States in which a record may stand that is not released. */
const UNSETTLED: ReadonlySet<string> = new Set([
  'pending',
  'delivering',
  'waiting',
  'held',
  'handedOver',
  'dead',
  'delivered',
]);

const COUNT_GONE = `INSERT INTO ledger (state, gone) VALUES (?, ?)
  ON CONFLICT (state) DO UPDATE SET gone = gone + excluded.gone`;
const COUNT_LOST = `INSERT INTO lost (reason, count) VALUES (?, ?)
  ON CONFLICT (reason) DO UPDATE SET count = count + excluded.count`;
const SAVE_MOVE = `INSERT INTO moves (source, seq, records, done) VALUES (?, ?, ?, ?)
  ON CONFLICT (source) DO UPDATE SET seq = excluded.seq, records = excluded.records, done = excluded.done`;

export class SpoolLedger {
  readonly #database: SpoolDatabase;
  #numbers: Numbers;
  #before: Numbers | null = null;

  constructor(database: SpoolDatabase) {
    this.#database = database;
    this.#numbers = this.#read();
    database.participant = {
      begin: () => {
        this.#before = copyOf(this.#numbers);
      },
      rollBack: () => {
        this.#numbers = this.#before ?? this.#numbers;
      },
    };
  }

  get captured(): number {
    return this.#numbers.captured;
  }

  get mirrorWaiting(): number {
    return this.#numbers.waiting;
  }

  get unreleased(): number {
    return this.#numbers.unreleased;
  }

  /** As the second count has it. */
  count(lastSeq: number): Count {
    const { captured, unreleased, here } = this.#numbers;
    const kept = Math.max(0, unreleased - (here.quarantined ?? 0));
    return { captured, kept, settled: this.#settled(kept), lost: this.lost, lastSeq };
  }

  /** States without those that are not released, which stand in the first of them. */
  #settled(kept: number): Counts {
    const settled: Counts = {};
    let left = kept;
    for (const [state, count] of Object.entries(this.ledger().states)) {
      const open = UNSETTLED.has(state) ? Math.min(left, count) : 0;
      left -= open;
      if (count > open) settled[state] = count - open;
    }
    return settled;
  }

  /** By reason, since the first record. */
  get lost(): Readonly<Record<Loss, number>> {
    const { lost } = this.#numbers;
    return { rate: lost.rate ?? 0, maxAge: lost.maxAge ?? 0, dropOldest: lost.dropOldest ?? 0 };
  }

  ledger(): Ledger {
    const { captured, here, gone } = this.#numbers;
    return ledgerOf(captured, ...Object.entries(here), ...Object.entries(gone));
  }

  /** Counts the rows anew, some tenths of a second for a million; returns what the ledger says by them. */
  recount(): Ledger {
    this.#numbers = this.#read();
    return this.ledger();
  }

  addCaptured(count: number): void {
    if (count === 0) return;
    this.#run("UPDATE spool SET value = value + ? WHERE name = 'captured'", count);
    this.#numbers.captured += count;
  }

  /** A row was inserted (`count` 1), changed its state (both) or was removed (-1). */
  addHere(state: string, count: number): void {
    add(this.#numbers.here, state, count);
  }

  addWaiting(count: number): void {
    this.#numbers.waiting += count;
  }

  addUnreleased(count: number): void {
    this.#numbers.unreleased += count;
  }

  /** Records that left the spool in that state. */
  addGone(state: string, count: number): void {
    if (count === 0) return;
    this.#run(COUNT_GONE, state, count);
    add(this.#numbers.gone, state, count);
  }

  /** Given up, and gone: `addCaptured` must have counted them, now or earlier. */
  addLost(reason: Loss, count: number): void {
    if (count === 0) return;
    this.addGone('lost', count);
    this.#run(COUNT_LOST, reason, count);
    add(this.#numbers.lost, reason, count);
  }

  /** Reasons of records that another spool counted as lost. */
  carryLost(lost: Readonly<Record<Loss, number>>): void {
    for (const reason of LOSSES) {
      if (lost[reason] > 0) this.#run(COUNT_LOST, reason, lost[reason]);
      add(this.#numbers.lost, reason, lost[reason]);
    }
  }

  move(source: string): Move | null {
    return this.moves().find(([name]) => name === source)?.[1] ?? null;
  }

  moves(): (readonly [source: string, move: Move])[] {
    const rows = this.#database.prepare('SELECT source, seq, records, done FROM moves').all();
    return rows.map((row) => {
      const [seq, records, done] = [numberIn(row, 'seq'), numberIn(row, 'records'), numberIn(row, 'done') === 1];
      return [textIn(row, 'source'), { seq, records, done }] as const;
    });
  }

  saveMove(source: string, { seq, records, done }: Move): void {
    this.#run(SAVE_MOVE, source, seq, records, done ? 1 : 0);
  }

  /** Once its folder is gone. */
  forgetMove(source: string): void {
    this.#run('DELETE FROM moves WHERE source = ?', source);
  }

  #read(): Numbers {
    const one = (sql: string, column: string): number => numberIn(this.#database.prepare(sql).get(), column);
    const pairs = (sql: string): Counts => {
      const rows = this.#database.prepare(sql).all();
      return Object.fromEntries(rows.map((row) => [textIn(row, 'name'), numberIn(row, 'count')]));
    };
    return {
      captured: one("SELECT value FROM spool WHERE name = 'captured'", 'value'),
      waiting: one("SELECT count(*) AS count FROM records WHERE mirror = 'waiting'", 'count'),
      unreleased: one('SELECT count(*) AS count FROM records WHERE released_at IS NULL', 'count'),
      here: pairs('SELECT state AS name, count(*) AS count FROM records GROUP BY state'),
      gone: pairs('SELECT state AS name, gone AS count FROM ledger'),
      lost: pairs('SELECT reason AS name, count FROM lost'),
    };
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#database.prepare(sql).run(...values);
  }
}

function add(counts: Counts, name: string, count: number): void {
  counts[name] = (counts[name] ?? 0) + count;
}

function copyOf({ here, gone, lost, ...numbers }: Numbers): Numbers {
  return { ...numbers, here: { ...here }, gone: { ...gone }, lost: { ...lost } };
}

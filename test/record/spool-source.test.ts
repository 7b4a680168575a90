/** Records of an older database move over: after a fault, after a crash in the middle of it, from folders of others. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Capture } from '../../src/exchange.ts';
import type { Spool } from '../../src/record/spool.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import {
  bytesOf,
  captureOf,
  commitAll,
  inFile,
  MEBIBYTE,
  openSpool,
  recordOf,
  sha256,
  thrownBy,
  writeFile,
} from './spool-fixtures.ts';

const BODY_BYTES = 150_000;

/** Three records in each state that there is, one of them with a body file. */
function fill(spool: Spool): { readonly held: Capture; readonly large: Capture; readonly mirrored: Capture } {
  writeFile(spool, 1, bytesOf(BODY_BYTES));
  const [held, large, mirrored] = [
    captureOf('held'),
    captureOf('', { body: inFile(1, BODY_BYTES) }),
    captureOf('done'),
  ];
  const [, , seq = 0] = commitAll(spool, [held, large, mirrored]);
  spool.markMirrored([seq]);
  return { held, large, mirrored };
}

/** As a failed fsync leaves it. */
function fail(spool: Spool): void {
  const error = thrownBy(() => {
    rmSync(join(spool.folder, 'spool.db-wal'));
    spool.maintain();
  });
  expect(error).toMatchObject({ fault: 'io' });
}

/** Its folder under another name, as a fault leaves it. */
function setAside(spool: Spool): string {
  spool.close();
  const name = `${spool.folder}.source-20260101t000000000z`;
  renameSync(spool.folder, name);
  return name;
}

const moveAll = (spool: Spool): void => {
  while (spool.moveSome() === 'moved');
};
const bodyOf = (spool: Spool, { id }: Capture): string => Buffer.from(spool.readBody(recordOf(spool, id))).toString();

describe('after a fault', () => {
  test('a fresh database is started at once, and the records of the old one move over with its ledger', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const { held, large, mirrored } = fill(first);
    setAside(first);
    const spool = openSpool({ path });
    const after = captureOf('after');
    commitAll(spool, [after]);
    expect(spool.get(held.id)).toBeNull();
    moveAll(spool);
    expect(bodyOf(spool, held)).toBe('held');
    expect(sha256(spool.readBody(recordOf(spool, large.id)))).toBe(sha256(bytesOf(BODY_BYTES)));
    expect(recordOf(spool, held.id)).toMatchObject({ state: 'held', mirror: 'waiting', head: { rule: 'users' } });
    // Released ones need not move: the ledger knows how they ended.
    expect(spool.get(mirrored.id)).toBeNull();
    expect(spool.waiting(0, 10)).toHaveLength(3);
    expect(spool.verify()).toMatchObject({ captured: 4, secondCount: 4, agrees: true, states: { held: 4 } });
    expect(readdirSync(path)).toEqual(['pod-1']);
    expect(readdirSync(join(spool.folder, 'bodies'))).toHaveLength(1);
  });

  test('the ledger adds up at every moment of the move, and no sequence number is given twice', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(
      first,
      Array.from({ length: 250 }, (_, at) => captureOf(`body ${at}`)),
    );
    setAside(first);
    const spool = openSpool({ path });
    let live = 1;
    commitAll(spool, [captureOf('between')]);
    while (spool.moveSome() === 'moved') {
      expect(spool.ledger()).toMatchObject({ captured: 250 + live, difference: 0, states: { held: 250 + live } });
      const [seq = 0] = commitAll(spool, [captureOf('between')]);
      spool.markMirrored([seq]);
      while (spool.expire());
      live += 1;
      expect(spool.ledger()).toMatchObject({ captured: 250 + live, difference: 0 });
    }
    expect(live).toBeGreaterThan(3);
    const seqs = spool.list({ limit: 1000 }).map(({ seq }) => seq);
    expect(new Set(seqs).size).toBe(250 + live);
  });

  test('a crash in the middle of the move repeats nothing and loses nothing', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const captures = Array.from({ length: 350 }, (_, at) => captureOf(`body ${at}`));
    commitAll(first, captures);
    setAside(first);
    for (let round = 0; round < 3; round += 1) {
      const spool = openSpool({ path });
      expect(spool.moveSome()).toBe('moved');
      // What moved in the last round is mirrored and gone by now.
      spool.markMirrored(spool.waiting(0, 1000).map(({ seq }) => seq));
      expect(spool.ledger()).toMatchObject({ captured: 350, difference: 0 });
      spool.close();
    }
    const spool = openSpool({ path, keep: 0 });
    while (spool.expire());
    moveAll(spool);
    expect(spool.list({ limit: 1000 }).map(({ id }) => id)).toEqual(
      captures
        .slice(300)
        .map(({ id }) => id)
        .reverse(),
    );
    expect(spool.verify()).toMatchObject({ captured: 350, difference: 0, agrees: true });
    expect(readdirSync(path)).toEqual(['pod-1']);
  });

  test('a second fault in the middle of the move carries what had come so far', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const captures = Array.from({ length: 150 }, (_, at) => captureOf(`body ${at}`));
    commitAll(first, captures);
    setAside(first);
    const second = openSpool({ path });
    second.moveSome();
    second.close();
    renameSync(second.folder, `${second.folder}.source-20260102t000000000z`);
    const spool = openSpool({ path });
    moveAll(spool);
    expect(spool.list({ limit: 1000 })).toHaveLength(150);
    expect(spool.verify()).toMatchObject({ captured: 150, difference: 0, agrees: true });
    expect(readdirSync(path)).toEqual(['pod-1']);
  });

  test('what the database itself lost is counted as vanished with its folder', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    fill(first);
    rmSync(first.folder, { recursive: true });
    expect(thrownBy(() => first.maintain())).toMatchObject({ fault: 'io' });
    const closed = first.close();
    expect(closed).toMatchObject({ vanished: { captured: 3, kept: 2, settled: { held: 1 }, lastSeq: 3 } });
    const spool = openSpool({ path, vanished: closed.vanished });
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0, states: { quarantined: 2, held: 1 } });
    expect(commitAll(spool, [captureOf('next')])).toEqual([4]);
    expect(spool.warnings).toEqual([expect.stringContaining('2 records')]);
  });

  test.each(['removed while it ran', 'emptied', 'garbage', 'without its database'])(
    'what was lost or quarantined before stays so in the ledger of a spool that is %s, time after time',
    (how) => {
      const path = temporaryFolder();
      let spool = openSpool({ path });
      commitAll(spool, [captureOf('a'), captureOf('b')]);
      spool.countLost('rate', 15);
      for (const quarantined of [2, 2]) {
        const database = join(spool.folder, 'spool.db');
        if (how === 'removed while it ran') {
          rmSync(spool.folder, { recursive: true });
          thrownBy(() => spool.maintain());
        }
        const { vanished } = spool.close();
        if (how === 'emptied') writeFileSync(database, '');
        if (how === 'garbage') writeFileSync(database, bytesOf(20_000));
        if (how === 'without its database') rmSync(database);
        spool = openSpool({ path, vanished });
        moveAll(spool);
        expect(spool.ledger()).toMatchObject({
          captured: 17,
          difference: 0,
          states: { held: 0, lost: 15, quarantined },
        });
        expect(spool.stats().lost).toEqual({ rate: 15, maxAge: 0, dropOldest: 0 });
        expect(spool.verify().agrees).toBe(true);
      }
    },
  );

  test('a folder whose WAL was removed is set aside by close, and what the WAL held is quarantined', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    fill(first);
    fail(first);
    expect(first.close()).toEqual({ mustSetAside: false, vanished: null });
    expect(readdirSync(path)).toEqual([expect.stringMatching(/^pod-1\.source-/)]);
    const spool = openSpool({ path });
    moveAll(spool);
    const { states, captured, difference } = spool.ledger();
    expect([captured, difference]).toEqual([3, 0]);
    expect(states.held + states.quarantined).toBe(3);
  });
});

describe('a damaged source', () => {
  /** Overwrites pages in the middle of the file: some of the rows, whichever they are. */
  function damage(folder: string, from: number, to: number): void {
    const file = join(folder, 'spool.db');
    const bytes = readFileSync(file);
    bytes.fill(0xa5, Math.floor(bytes.length * from), Math.floor(bytes.length * to));
    writeFileSync(file, bytes);
  }

  test.each([
    [0.3, 0.4, 40],
    [0.6, 0.7, 40],
    [0.9, 1, 40],
    // The roots of its tables: nothing is reachable below them.
    [0.02, 0.1, 0],
  ])('with its bytes from %f to %f overwritten gives what can be read, and counts the rest', (from, to, least) => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const captures = Array.from({ length: 400 }, (_, at) => captureOf(`body ${at} ${'x'.repeat(500)}`));
    for (let at = 0; at < 400; at += 50) commitAll(first, captures.slice(at, at + 50));
    damage(setAside(first), from, to);
    const spool = openSpool({ path });
    moveAll(spool);
    const { captured, difference, states } = spool.ledger();
    expect([captured, difference]).toEqual([400, 0]);
    expect(states.quarantined).toBeGreaterThan(0);
    let whole = 0;
    for (const [at, { id }] of captures.entries()) {
      const record = spool.get(id);
      if (record === null || record.state === 'quarantined') continue;
      // Never altered: what is given is what was kept.
      expect(Buffer.from(spool.readBody(record)).toString()).toMatch(new RegExp(`^body ${at} x+$`));
      whole += 1;
    }
    expect(whole + states.quarantined).toBe(400);
    expect(whole).toBeGreaterThanOrEqual(least);
    expect(readdirSync(path)).toEqual(['pod-1', expect.stringContaining('.quarantined-')]);
  });

  test('whose body file is damaged or gone keeps the record, without its body, as quarantined', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const { large, held } = fill(first);
    const aside = setAside(first);
    rmSync(join(aside, 'bodies'), { recursive: true });
    mkdirSync(join(aside, 'bodies'));
    const spool = openSpool({ path });
    moveAll(spool);
    expect(recordOf(spool, large.id)).toMatchObject({ state: 'quarantined', truncated: true, mirror: 'parked' });
    expect(bodyOf(spool, held)).toBe('held');
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0, states: { quarantined: 1 } });
  });
});

describe('a folder that another pod left on a shared volume', () => {
  const ADOPT = 60_000;

  function shared() {
    const path = temporaryFolder();
    let now = 1;
    const open = (podName: string) => openSpool({ path, podName, now: () => now, adoptAfterMs: ADOPT });
    return { path, open, pass: (ms: number) => (now += ms) };
  }

  test('is adopted once it has been free for a minute, whatever key it was sealed with', () => {
    const { path, open, pass } = shared();
    const other = open('pod-2');
    const { held, large } = fill(other);
    other.close();
    const spool = open('pod-1');
    expect(spool.moveSome()).toBe('idle');
    pass(ADOPT - 1);
    expect(spool.moveSome()).toBe('idle');
    pass(ADOPT / 4);
    moveAll(spool);
    expect(bodyOf(spool, held)).toBe('held');
    expect(sha256(spool.readBody(recordOf(spool, large.id)))).toBe(sha256(bytesOf(BODY_BYTES)));
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0 });
    expect(readdirSync(path)).toEqual(['pod-1']);
  });

  test('is left alone while its owner lives, and when its owner comes back in time', () => {
    const { path, open, pass } = shared();
    const other = open('pod-2');
    fill(other);
    const spool = open('pod-1');
    spool.moveSome();
    pass(ADOPT);
    expect(spool.moveSome()).toBe('idle');
    commitAll(other, [captureOf('still mine')]);
    other.close();
    spool.moveSome();
    pass(ADOPT / 2);
    const back = open('pod-2');
    spool.moveSome();
    back.close();
    pass(ADOPT / 2);
    expect(spool.moveSome()).toBe('idle');
    expect(readdirSync(path)).toEqual(['pod-1', 'pod-2']);
  });

  test('is left alone, with one line, when its key is not there', () => {
    const { path, open, pass } = shared();
    const other = open('pod-2');
    fill(other);
    other.close();
    rmSync(join(other.folder, 'key'));
    const spool = open('pod-1');
    const news: string[] = [];
    spool.onNews = (_, message) => news.push(message);
    for (let i = 0; i < 3; i += 1) {
      spool.moveSome();
      pass(ADOPT);
    }
    expect(news).toEqual([expect.stringContaining('key')]);
    expect(readdirSync(path)).toEqual(['pod-1', 'pod-2']);
  });

  test('with files of someone else in it loses only what is a spool', () => {
    const { path, open, pass } = shared();
    const other = open('pod-2');
    fill(other);
    other.close();
    cpSync(join(other.folder, 'key'), join(other.folder, 'notes.txt'));
    const spool = open('pod-1');
    spool.moveSome();
    pass(ADOPT);
    moveAll(spool);
    expect(readdirSync(join(path, 'pod-2'))).toEqual(['notes.txt']);
    expect(spool.moveSome()).toBe('idle');
  });
});

test('an old database that is nearly as large as the quota moves as there is room, and nothing is refused meanwhile', () => {
  const path = temporaryFolder();
  const size = 8 * MEBIBYTE;
  const first = openSpool({ path, size });
  const kept: string[] = [];
  for (let full = false; !full; ) {
    for (const outcome of first.commit(Array.from({ length: 50 }, () => captureOf(bytesOf(4000))))) {
      if ('why' in outcome) full = true;
      else kept.push(outcome.id);
    }
  }
  setAside(first);
  const spool = openSpool({ path, size });
  const seen = new Set<string>();
  for (let round = 0; round < 1000 && seen.size < kept.length; round += 1) {
    commitAll(spool, [captureOf('live')]);
    const step = spool.moveSome();
    const waiting = spool.waiting(0, 200);
    if (step === 'full') expect(waiting.length).toBeGreaterThan(0);
    for (const { id } of waiting) if (kept.includes(id)) seen.add(id);
    if (step !== 'moved') spool.markMirrored(waiting.map(({ seq }) => seq));
  }
  expect(seen.size).toBe(kept.length);
  moveAll(spool);
  expect(spool.ledger().difference).toBe(0);
  expect(readdirSync(path)).toEqual(['pod-1']);
});

test('the pages of a source are read, never written', () => {
  const path = temporaryFolder();
  const first = openSpool({ path });
  fill(first);
  const aside = setAside(first);
  const before = readFileSync(join(aside, 'spool.db'));
  const spool = openSpool({ path });
  spool.moveSome();
  spool.close();
  // But for SQLite's own change counter, in the first hundred bytes.
  expect(readFileSync(join(aside, 'spool.db')).subarray(100).equals(before.subarray(100))).toBe(true);
  const db = new DatabaseSync(join(aside, 'spool.db'));
  expect(db.prepare('SELECT count(*) AS count FROM records').get()).toMatchObject({ count: 3 });
  db.close();
});

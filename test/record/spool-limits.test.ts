/** What is given up on purpose is counted with its reason; what is lost against all promises is noticed. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LOSSES } from '../../src/record/ledger.ts';
import type { Spool } from '../../src/record/spool.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { bytesOf, captureOf, commitAll, inFile, MEBIBYTE, openSpool, recordOf, writeFile } from './spool-fixtures.ts';

const NOTHING_LOST = { rate: 0, maxAge: 0, dropOldest: 0 };
const HOUR = 3_600_000;

/** Changes rows behind the spool's back, while nobody has it open. */
function alter({ folder }: Spool, sql: string): void {
  const db = new DatabaseSync(join(folder, 'spool.db'));
  db.exec(sql);
  db.close();
}

describe('whenFull: dropOldest', () => {
  test('takes every capture, gives up the oldest, and counts them', () => {
    const size = 2 * MEBIBYTE;
    const spool = openSpool({ size, whenFull: 'dropOldest' });
    const kept: string[] = [];
    for (let round = 0; round < 60; round += 1) {
      const group = Array.from({ length: 50 }, () => captureOf(bytesOf(1000)));
      commitAll(spool, group);
      kept.push(...group.map(({ id }) => id));
    }
    const here = spool.list({ limit: 10_000 }).map(({ id }) => id);
    expect(here.length).toBeGreaterThan(100);
    expect(here).toEqual(kept.slice(-here.length).reverse());
    const { captured, states, difference } = spool.ledger();
    expect([captured, difference]).toEqual([3000, 0]);
    expect(states).toMatchObject({ held: here.length, lost: 3000 - here.length });
    expect(spool.stats().lost).toEqual({ ...NOTHING_LOST, dropOldest: 3000 - here.length });
    expect(spool.verify()).toMatchObject({ secondCount: 3000, agrees: true });
  });

  test('drops what is released before anything else', () => {
    const size = 2 * MEBIBYTE;
    const spool = openSpool({ size, whenFull: 'dropOldest' });
    const waiting = captureOf('must stay');
    commitAll(spool, [waiting]);
    for (let round = 0; round < 60; round += 1) {
      const seqs = commitAll(
        spool,
        Array.from({ length: 50 }, () => captureOf(bytesOf(1000))),
      );
      spool.markMirrored(seqs);
    }
    expect(recordOf(spool, waiting.id).state).toBe('held');
    expect(spool.stats().lost).toEqual(NOTHING_LOST);
  });

  test('takes large bodies too, and gives up no more for the copies of live requests than these may take', () => {
    const size = 4 * MEBIBYTE;
    const spool = openSpool({ size, whenFull: 'dropOldest' });
    for (let n = 1; n <= 40; n += 1) {
      writeFile(spool, n, bytesOf(200_000));
      const [outcome] = spool.commit([captureOf('', { body: inFile(n, 200_000) })]);
      expect(outcome).toMatchObject({ partial: false });
    }
    const { dropOldest } = spool.stats().lost;
    expect(dropOldest).toBeGreaterThan(15);
    expect(spool.list({ limit: 100 })).toHaveLength(40 - dropOldest);
    // A great many that go well.
    for (let n = 41; n < 140; n += 1) {
      writeFile(spool, n, bytesOf(200_000));
      spool.dropBody(n);
    }
    expect(spool.stats().lost.dropOldest).toBeLessThanOrEqual(dropOldest + 3);
    for (let n = 140; n < 148; n += 1) writeFile(spool, n, bytesOf(200_000));
    expect(() => writeFile(spool, 148, bytesOf(900_000))).toThrow(/at most/);
    expect(spool.list({ limit: 100 }).length).toBeGreaterThan(3);
    expect(spool.ledger().difference).toBe(0);
  });
});

describe('spool.maxAge', () => {
  function aged(maxAge: number) {
    let now = 1;
    const path = temporaryFolder();
    const open = (): Spool => openSpool({ path, maxAge, keep: 10 * HOUR, now: () => now });
    return { open, pass: (ms: number) => (now += ms) };
  }

  test('gives up what was not released in time, by running time, with its body file', () => {
    const { open, pass } = aged(HOUR);
    const first = open();
    writeFile(first, 1, bytesOf(100_000));
    const [old, released] = [captureOf('', { body: inFile(1, 100_000) }), captureOf('released')];
    const [, seq = 0] = commitAll(first, [old, released]);
    first.markMirrored([seq]);
    pass(HOUR / 2);
    const young = captureOf('young');
    commitAll(first, [young]);
    first.close();
    // Time in which nothing ran does not count.
    const spool = open();
    pass(HOUR / 2 - 1);
    while (spool.expire());
    expect(spool.ledger().states.lost).toBe(0);
    pass(2);
    while (spool.expire());
    expect([spool.get(old.id), spool.get(young.id)?.state, spool.get(released.id)?.mirror]).toEqual([
      null,
      'held',
      'mirrored',
    ]);
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0, states: { lost: 1, held: 2 } });
    expect(spool.stats().lost).toEqual({ ...NOTHING_LOST, maxAge: 1 });
  });

  test('of 0 never gives anything up', () => {
    const { open, pass } = aged(0);
    const spool = open();
    commitAll(spool, [captureOf('a')]);
    pass(1e9 * HOUR);
    while (spool.expire());
    expect(spool.ledger().states).toMatchObject({ held: 1, lost: 0 });
  });

  test('leaves a clock that goes backwards alone', () => {
    const { open, pass } = aged(HOUR);
    const spool = open();
    commitAll(spool, [captureOf('a')]);
    pass(-10 * HOUR);
    while (spool.expire());
    expect(spool.ledger().states.held).toBe(1);
  });
});

test('what was given up before it came here stands in the ledger, through restarts', () => {
  const path = temporaryFolder();
  const first = openSpool({ path });
  commitAll(first, [captureOf('a')]);
  first.countLost('rate', 41);
  first.close();
  const spool = openSpool({ path });
  expect(spool.ledger()).toMatchObject({ captured: 42, difference: 0, states: { held: 1, lost: 41 } });
  expect(spool.stats().lost).toEqual({ ...NOTHING_LOST, rate: 41 });
  expect(Object.keys(spool.stats().lost)).toEqual(LOSSES);
});

describe('the second count', () => {
  test('notices a database that is older than what was promised, and quarantines the difference', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(first, [captureOf('a')]);
    first.close();
    const database = join(first.folder, 'spool.db');
    const old = readFileSync(database);
    const second = openSpool({ path });
    expect(commitAll(second, [captureOf('b'), captureOf('c')])).toEqual([2, 3]);
    second.close();
    writeFileSync(database, old);
    const spool = openSpool({ path });
    expect(spool.warnings).toEqual([expect.stringMatching(/2 records .* quarantined/)]);
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0, states: { held: 1, quarantined: 2 } });
    // A sequence number that was given is not given again.
    expect(commitAll(spool, [captureOf('d')])).toEqual([4]);
    expect(spool.verify()).toMatchObject({ secondCount: 4, agrees: true });
    spool.close();
    expect(openSpool({ path }).warnings).toEqual([]);
  });

  test('that lags behind after a crash is brought up, and one that is torn or gone is made anew', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(first, [captureOf('a')]);
    const count = join(first.folder, 'count');
    const before = readFileSync(count);
    commitAll(first, [captureOf('b')]);
    first.close();
    for (const text of [before, 'garbage', null]) {
      if (text === null) rmSync(count);
      else writeFileSync(count, text);
      const spool = openSpool({ path });
      expect(spool.warnings).toEqual([]);
      expect(spool.verify()).toMatchObject({ captured: 2, secondCount: 2, agrees: true });
      spool.close();
    }
  });

  test('one torn slot leaves the other', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    for (const body of ['a', 'b', 'c']) commitAll(first, [captureOf(body)]);
    first.close();
    const count = join(first.folder, 'count');
    const bytes = readFileSync(count);
    const newest = bytes.lastIndexOf('"captured":3') < 512 ? 0 : 512;
    bytes.fill(0, newest + 20, newest + 30);
    writeFileSync(count, bytes);
    const spool = openSpool({ path });
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0 });
  });

  test('verify tells when rows, ledger or the second count do not agree', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(first, [captureOf('a'), captureOf('b')]);
    expect(first.verify().agrees).toBe(true);
    writeFileSync(join(first.folder, 'count'), 'garbage');
    expect(first.verify()).toMatchObject({ secondCount: null, agrees: false });
    first.close();
    alter(first, 'DELETE FROM records WHERE seq = 1');
    expect(openSpool({ path }).verify()).toMatchObject({ captured: 2, difference: 1, agrees: false });
  });
});

describe('plain columns', () => {
  test.each([
    ['released_at', 'released_at = 1'],
    ['released_at and mirror', "released_at = 1, mirror = 'maxrored'"],
    ['released_at and state', "released_at = 1, mirror = 'mirrored', state = 'hele'"],
  ])('that were damaged (%s) release nothing', (_, change) => {
    const path = temporaryFolder();
    const first = openSpool({ path, keep: 0 });
    commitAll(first, [captureOf('a')]);
    first.close();
    alter(first, `UPDATE records SET ${change}`);
    const spool = openSpool({ path, keep: 0 });
    while (spool.expire());
    expect(spool.list({ limit: 10 })).toHaveLength(1);
  });
});

test('a key file that vanishes while the spool runs is put back by its upkeep', () => {
  const path = temporaryFolder();
  const first = openSpool({ path });
  const key = join(first.folder, 'key');
  const text = readFileSync(key, 'utf8');
  rmSync(key);
  const capture = captureOf('still readable');
  commitAll(first, [capture]);
  first.maintain();
  expect(readFileSync(key, 'utf8')).toBe(text);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  first.close();
  const spool = openSpool({ path });
  expect(Buffer.from(spool.readBody(recordOf(spool, capture.id))).toString()).toBe('still readable');
});

test('the reserve is really written, counts against the quota, and is made again by the upkeep', () => {
  const spool = openSpool({ size: 8 * MEBIBYTE });
  const reserve = join(spool.folder, 'reserve');
  const { size, blocks } = statSync(reserve);
  expect(size).toBe(MEBIBYTE / 4);
  expect(blocks * 512).toBeGreaterThanOrEqual(size);
  expect(spool.stats().bytes).toBeGreaterThan(size);
  rmSync(reserve);
  spool.maintain();
  expect(existsSync(reserve)).toBe(true);
});

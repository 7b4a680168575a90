/** What others put into the spool's folder or beside it loses nothing, leads nowhere, and is never waited for. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
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
  thrownBy,
  writeFile,
} from './spool-fixtures.ts';

const ASIDE = '.source-20260101t000000000z';

const moveAll = (spool: Spool): number => {
  let steps = 0;
  while (spool.moveSome() === 'moved') {
    steps += 1;
    if (steps > 50) throw new Error('the move never ends');
  }
  return steps;
};

function withOldFolder(changes: Parameters<typeof openSpool>[0] = {}) {
  const path = temporaryFolder();
  const first = openSpool({ path, ...changes });
  const kept = captureOf('kept');
  const [, seq = 0] = commitAll(first, [kept, captureOf('mirrored')]);
  first.markMirrored([seq]);
  first.countLost('rate', 5);
  first.close();
  const old = `${first.folder}${ASIDE}`;
  renameSync(first.folder, old);
  return { path, old, kept };
}

describe('an old folder with something strange in it', () => {
  const strangers: readonly (readonly [string, (old: string) => void])[] = [
    ['a folder among its bodies', (old) => mkdirSync(join(old, 'bodies', 'junk'))],
    ['a folder for its reserve', (old) => replace(join(old, 'reserve'), (path) => mkdirSync(path))],
    ['notes of a person', (old) => writeFileSync(join(old, 'notes.txt'), 'x')],
    [
      'what a kill in the middle of a write left',
      (old) => writeFileSync(join(old, '.last-good.json.2e3b5cd5b8b8'), ''),
    ],
    ['a file for its last configuration', (old) => mkdirSync(join(old, 'last-good.json'))],
  ];

  test.each(strangers)('%s moves over once, and its ledger counts once', (_, plant) => {
    const { path, old, kept } = withOldFolder();
    plant(old);
    const spool = openSpool({ path });
    moveAll(spool);
    for (let n = 0; n < 5; n += 1) spool.moveSome();
    expect(recordOf(spool, kept.id).state).toBe('held');
    expect(spool.ledger()).toMatchObject({ captured: 7, difference: 0, states: { held: 2, lost: 5 } });
    expect(existsSync(old)).toBe(false);
    expect(spool.verify().agrees).toBe(true);
  });

  test('a folder that can not be removed counts once, and is told once', () => {
    const { path, old } = withOldFolder();
    const spool = openSpool({ path });
    const news: string[] = [];
    spool.onNews = (_, message) => news.push(message);
    // Immutable: not even root removes what is in it. Where that can't be set, a mount point does the same.
    const isSet = spawnSync('mount', ['-t', 'tmpfs', 'none', join(old, 'bodies')]).status === 0;
    try {
      moveAll(spool);
      for (let n = 0; n < 50; n += 1) spool.moveSome();
      expect(spool.ledger()).toMatchObject({ captured: 7, difference: 0, states: { held: 2, lost: 5 } });
      if (isSet) expect(news.filter((line) => line.includes('delete failed'))).toHaveLength(1);
    } finally {
      if (isSet) spawnSync('umount', [join(old, 'bodies')]);
    }
  });
});

function replace(path: string, make: (path: string) => void): void {
  rmSync(path, { recursive: true, force: true });
  make(path);
}

test.each(['bodies', 'spool.db', 'key', 'count'])('a link for the %s of a planted folder leads nowhere', (name) => {
  const path = temporaryFolder();
  const spool = openSpool({ path });
  writeFile(spool, 1, bytesOf(100_000));
  const large = captureOf('', { body: inFile(1, 100_000) });
  commitAll(spool, [large]);
  const planted = `${spool.folder}.source-x`;
  mkdirSync(planted);
  if (name !== 'spool.db') writeFileSync(join(planted, 'spool.db'), '');
  symlinkSync(join(spool.folder, name), join(planted, name));
  const news: string[] = [];
  spool.onNews = (_, message) => news.push(message);
  for (let n = 0; n < 3; n += 1) spool.moveSome();
  spool.maintain();
  expect(spool.readBody(recordOf(spool, large.id))).toHaveLength(100_000);
  expect(spool.ledger()).toMatchObject({ captured: 1, difference: 0 });
  expect(news).toEqual([expect.stringContaining(join(planted, name))]);
});

test.each(['count', 'key', 'spool.db', 'bodies'])(
  'a pipe for the %s of a planted folder, or of its own, is not waited for',
  (name) => {
    const path = temporaryFolder();
    const spool = openSpool({ path });
    const planted = `${spool.folder}.source-x`;
    mkdirSync(planted);
    spawnSync('mkfifo', [join(planted, name)]);
    spool.moveSome();
    commitAll(spool, [captureOf('goes on')]);
    spool.close();
    replace(join(spool.folder, name), (at) => spawnSync('mkfifo', [at]));
    rmSync(planted, { recursive: true });
    expect(thrownBy(() => openSpool({ path }))).toMatchObject({ name: 'SpoolError' });
  },
);

test.each([
  ['a file', (at: string) => writeFileSync(at, 'x')],
  ['a pipe', (at: string) => void spawnSync('mkfifo', [at])],
  ['a link to the root', (at: string) => symlinkSync('/', at)],
])('%s beside the spool under the name of a source stops nothing', (_, plant) => {
  const path = temporaryFolder();
  const first = openSpool({ path });
  for (const ending of ['.source-x', '.quarantined-x']) plant(`${first.folder}${ending}`);
  const began = performance.now();
  first.maintain();
  first.moveSome();
  first.close();
  const spool = openSpool({ path });
  commitAll(spool, [captureOf('a')]);
  expect(performance.now() - began).toBeLessThan(2000);
  expect(spool.stats().bytes).toBeLessThan(4 * MEBIBYTE);
});

describe('dropOldest', () => {
  test('is no reason to give up what is newer for an old database that moves in', () => {
    const path = temporaryFolder();
    const size = 16 * MEBIBYTE;
    const first = openSpool({ path, size, whenFull: 'dropOldest' });
    const captures = Array.from({ length: 270 }, () => captureOf(bytesOf(40_000)));
    for (let at = 0; at < 270; at += 30) commitAll(first, captures.slice(at, at + 30));
    expect(first.stats().lost.dropOldest).toBe(0);
    first.close();
    renameSync(first.folder, `${first.folder}${ASIDE}`);
    const spool = openSpool({ path, size, whenFull: 'dropOldest' });
    const live = captureOf('newer');
    commitAll(spool, [live]);
    let steps = 0;
    while (spool.moveSome() === 'moved' && steps < 1000) steps += 1;
    const { dropOldest } = spool.stats().lost;
    expect(dropOldest).toBeLessThan(80);
    expect(recordOf(spool, live.id).state).toBe('held');
    expect(spool.ledger()).toMatchObject({ captured: 271, difference: 0 });
    expect(spool.list({ limit: 1000 })).toHaveLength(271 - dropOldest);
  });

  test('gives nothing up where something else has taken all the room', () => {
    const size = 4 * MEBIBYTE;
    const spool = openSpool({ size, whenFull: 'dropOldest' });
    const captures = Array.from({ length: 50 }, () => captureOf(bytesOf(1000)));
    commitAll(spool, captures);
    writeFileSync(join(spool.folder, 'core.123'), bytesOf(4 * MEBIBYTE));
    spool.maintain();
    expect(spool.commit([captureOf(bytesOf(1000))])).toMatchObject([{ why: expect.stringContaining('full') }]);
    expect(spool.list({ limit: 100 })).toHaveLength(50);
  });

  test('a file with a hole in it takes what it takes', () => {
    const spool = openSpool({ size: 4 * MEBIBYTE });
    writeFileSync(join(spool.folder, 'core.123'), '');
    truncateSync(join(spool.folder, 'core.123'), 1024 * MEBIBYTE);
    spool.maintain();
    commitAll(spool, [captureOf('a')]);
  });
});

test('records of a time without a mirror are for it once there is one', () => {
  const path = temporaryFolder();
  const first = openSpool({ path, mirror: false });
  commitAll(
    first,
    Array.from({ length: 5200 }, () => captureOf('early')),
  );
  expect(first.enlistSome()).toBe(false);
  first.close();
  const spool = openSpool({ path });
  commitAll(spool, [captureOf('later')]);
  let slices = 0;
  while (spool.enlistSome()) slices += 1;
  expect(slices).toBe(2);
  expect(spool.stats().mirrorWaiting).toBe(5201);
  expect(spool.waiting(0, 1).map(({ seq }) => seq)).toEqual([1]);
  expect(spool.verify().agrees).toBe(true);
});

test('a key file that was emptied while it runs is put back; one that a person has added a key to is left alone', () => {
  const spool = openSpool();
  const key = join(spool.folder, 'key');
  const text = readFileSync(key, 'utf8');
  writeFileSync(key, '');
  spool.maintain();
  expect(readFileSync(key, 'utf8')).toBe(text);
  const rotated = `${bytesOf(32, 7).toString('base64')}\n${text}`;
  writeFileSync(key, rotated);
  spool.maintain();
  expect(readFileSync(key, 'utf8')).toBe(rotated);
});

test('a body that can not be removed at the end does not keep the database, and its lock, open', () => {
  const path = temporaryFolder();
  const first = openSpool({ path });
  writeFile(first, 1, bytesOf(100_000));
  const [body = ''] = readdirSync(join(first.folder, 'bodies'));
  replace(join(first.folder, 'bodies', body), (at) => mkdirSync(join(at, 'x'), { recursive: true }));
  first.close();
  commitAll(openSpool({ path }), [captureOf('a')]);
});

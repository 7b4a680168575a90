import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createValueSource } from '../../src/dispatch/value-source.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';

/** A source over real files whose clock the test moves. */
function sourceWithClock(env: Record<string, string> = {}) {
  const clock = { ms: 0, stats: 0 };
  const source = createValueSource({ env, now: () => clock.ms });
  return { source, clock };
}

test('environment variables are read by name, inherited properties are none', () => {
  const { source } = sourceWithClock({ REGION: 'eu', EMPTY: '' });
  expect(source.env('REGION')).toBe('eu');
  expect(source.env('EMPTY')).toBe('');
  expect(source.env('OTHER')).toBeUndefined();
  expect(source.env('constructor')).toBeUndefined();
  expect(source.env('__proto__')).toBeUndefined();
});

test('line ends at the end of a file are cut off, those inside stay', () => {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, 'a\nb\r\n\n');
  expect(sourceWithClock().source.file(file)).toBe('a\nb');
});

test('a changed file is read again after a second, not before', () => {
  const file = join(temporaryFolder(), 'token');
  const { source, clock } = sourceWithClock();
  writeFileSync(file, 'old');
  expect(source.file(file)).toBe('old');
  writeFileSync(file, 'newer');
  clock.ms = 999;
  expect(source.file(file)).toBe('old');
  clock.ms = 1000;
  expect(source.file(file)).toBe('newer');
});

test('a change of the same length and time is seen by its inode', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'token');
  const { source, clock } = sourceWithClock();
  writeFileSync(file, 'aaa');
  utimesSync(file, 1, 1);
  expect(source.file(file)).toBe('aaa');
  writeFileSync(join(folder, 'next'), 'bbb');
  utimesSync(join(folder, 'next'), 1, 1);
  renameSync(join(folder, 'next'), file);
  clock.ms = 1000;
  expect(source.file(file)).toBe('bbb');
});

test('a swap of the ..data symlink, as Kubernetes does it, is seen', () => {
  const folder = temporaryFolder();
  const { source, clock } = sourceWithClock();
  for (const [version, value] of [
    ['v1', 'one'],
    ['v2', 'two'],
    ['v3', 'six'],
  ] as const) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'token'), value);
    symlinkSync(version, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    if (version === 'v1') symlinkSync('..data/token', join(folder, 'token'));
    expect(source.file(join(folder, 'token'))).toBe(value);
    clock.ms += 1000;
  }
});

test('a file that vanishes keeps its last value, and its new one is read when it is back', () => {
  const file = join(temporaryFolder(), 'token');
  const { source, clock } = sourceWithClock();
  writeFileSync(file, 'good');
  expect(source.file(file)).toBe('good');
  rmSync(file);
  clock.ms = 1000;
  expect(source.file(file)).toBe('good');
  writeFileSync(file, 'back');
  clock.ms = 2000;
  expect(source.file(file)).toBe('back');
});

test('a file that was never there is undefined, and is found later', () => {
  const file = join(temporaryFolder(), 'token');
  const { source, clock } = sourceWithClock();
  expect(source.file(file)).toBeUndefined();
  writeFileSync(file, 'now');
  expect(source.file(file)).toBeUndefined();
  clock.ms = 1000;
  expect(source.file(file)).toBe('now');
});

test('a folder, a device and a file over 64 KiB are no values', () => {
  const folder = temporaryFolder();
  const { source } = sourceWithClock();
  writeFileSync(join(folder, 'big'), 'x'.repeat(65_537));
  writeFileSync(join(folder, 'most'), 'x'.repeat(65_536));
  expect(source.file(folder)).toBeUndefined();
  expect(source.file('/dev/null')).toBeUndefined();
  expect(source.file(join(folder, 'big'))).toBeUndefined();
  expect(source.file(join(folder, 'most'))).toHaveLength(65_536);
});

test('a thousand uses within a second look at the file once, and read an unchanged one once', () => {
  let stats = 0;
  let reads = 0;
  let ms = 0;
  const stamp = { dev: 1, ino: 2, size: 3, mtimeMs: 4, ctimeMs: 5, isFile: () => true };
  const source = createValueSource({
    env: {},
    now: () => ms,
    stat: () => {
      stats++;
      return stamp;
    },
    readFile: () => {
      reads++;
      return 'x';
    },
  });
  for (let i = 0; i < 1000; i++) source.file('/x');
  expect([stats, reads]).toEqual([1, 1]);
  ms = 1000;
  for (let i = 0; i < 1000; i++) source.file('/x');
  expect([stats, reads]).toEqual([2, 1]);
});

test('a file whose read fails once is read at the next look, though it did not change', () => {
  let fails = true;
  let ms = 0;
  const source = createValueSource({
    env: {},
    now: () => ms,
    stat: () => ({ dev: 1, ino: 2, size: 3, mtimeMs: 4, ctimeMs: 5, isFile: () => true }),
    readFile: () => {
      if (fails) throw new Error('EIO');
      return 'x';
    },
  });
  expect(source.file('/x')).toBeUndefined();
  fails = false;
  ms = 1000;
  expect(source.file('/x')).toBe('x');
});

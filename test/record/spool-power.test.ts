/** The power goes, at any moment: fsynced is kept, kept is real. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomFrom } from '../dispatch/fixtures.ts';
import { printedSeed } from '../e2e/data.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { testWithStrace } from '../helpers/strace.ts';
import { Disk, type DiskCall, diskCallsFrom } from './power-loss.ts';
import { checkLife, saidIn } from './spool-life-check.ts';

const LIFE = join(import.meta.dirname, 'spool-life.ts');
const CALLS = 'openat,mkdir,pwrite64,write,ftruncate,fsync,fdatasync,rename,unlink,link,rmdir';
/** Anything else that changes a file would be missing from the model: there must be none. */
const OTHERS = 'pwritev,pwritev2,writev,fallocate,linkat,symlink,renameat,renameat2,unlinkat,truncate';
/** `npm run test:full` tries more. */
const CRASHES = process.env.OUTRIDER_TEST_FULL === '1' ? 3000 : 120;

/** What a whole life of a spool asks of the disk. */
function recordLife(mode: string): { readonly calls: readonly DiskCall[]; readonly root: string } {
  const root = temporaryFolder();
  const log = join(temporaryFolder(), 'log');
  const args = ['-y', '-xx', '-s', '200000', '-e', `trace=${CALLS},${OTHERS}`, '-o', log];
  const { status } = spawnSync('strace', [...args, process.execPath, LIFE, root, mode]);
  expect(status).toBe(0);
  return { calls: diskCallsFrom(readFileSync(log, 'latin1'), root), root };
}

/** At seeded moments of that life, three disks each. */
function losePower(mode: string, records: number): void {
  const random = randomFrom(printedSeed(`loss of power, ${mode}`));
  const { calls, root } = recordLife(mode);
  expect(saidIn(saidBy(calls)).kept.size).toBe(records);
  const points = Array.from({ length: CRASHES }, () => Math.floor(random() * (calls.length + 1))).sort((a, b) => a - b);
  const disk = new Disk(root);
  let done = 0;
  for (const point of points) {
    for (const call of calls.slice(done, point)) disk.apply(call);
    done = point;
    const said = saidIn(saidBy(calls.slice(0, point)));
    for (const survivors of ['none', 'all', random] as const) {
      const path = temporaryFolder({ inMemory: true });
      disk.crash(path, survivors);
      const how = typeof survivors === 'string' ? survivors : 'some';
      checkLife(path, said, `power lost after call ${point} of ${calls.length}, ${how} of the rest on the disk`);
    }
  }
  process.stderr.write(`loss of power, ${mode}: ${CRASHES} moments of ${calls.length}, three disks each\n`);
}

testWithStrace(
  'after a loss of power at any moment, with any part of what was not fsynced, every acknowledged record is there and none is made up',
  async () => losePower('plain', 14),
  240_000,
);

testWithStrace(
  'the same while the records of a database that failed move over to a fresh one',
  async () => losePower('move', 9),
  240_000,
);

const saidBy = (calls: readonly DiskCall[]): string[] =>
  calls.flatMap((call) => (call.call === 'said' ? call.line.split('\n') : []));

test('the model of the disk forgets what was not fsynced, and nothing else', () => {
  const root = '/r';
  const disk = new Disk(root);
  const calls: DiskCall[] = [
    { call: 'create', path: '/r/a' },
    { call: 'write', path: '/r/a', bytes: Buffer.from('old'), at: null },
    { call: 'sync', path: '/r/a' },
    { call: 'sync', path: '/r' },
    { call: 'write', path: '/r/a', bytes: Buffer.from('new'), at: 0 },
    { call: 'create', path: '/r/b' },
  ];
  for (const call of calls) disk.apply(call);
  const look = (survivors: 'none' | 'all') => {
    const path = temporaryFolder();
    disk.crash(path, survivors);
    return { a: readFileSync(join(path, 'a'), 'utf8'), files: spawnSync('ls', [path]).stdout.toString() };
  };
  expect(look('none')).toEqual({ a: 'old', files: 'a\n' });
  expect(look('all')).toEqual({ a: 'new', files: 'a\nb\n' });
});

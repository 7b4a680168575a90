/** The process is killed before each of its steps on the disk, one life for each step. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../helpers/child.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { testWithStrace } from '../helpers/strace.ts';
import { checkLife, saidIn } from './spool-life-check.ts';

const LIFE = join(import.meta.dirname, 'spool-life.ts');
const CALLS = ['fsync', 'fdatasync', 'pwrite64', 'write', 'rename', 'unlink', 'link', 'rmdir', 'ftruncate', 'mkdir'];
/** Of steps that are many and alike every so many are taken. `npm run test:full` takes them all. */
const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const STRIDES: Readonly<Record<string, number>> = FULL ? {} : { pwrite64: 30, write: 8, fsync: 4, unlink: 2 };

interface Step {
  readonly call: string;
  /** Which one of its kind, counted from the start of the process. */
  readonly nth: number;
}

/** Every step that a whole life takes on the disk, from the trace of one. */
function stepsOfALife(mode: string, records: number): Step[] {
  const log = join(temporaryFolder(), 'log');
  const traced = ['-f', '--seccomp-bpf', '-e', `trace=${CALLS.join()}`, '-o', log];
  const { stdout } = spawnSync('strace', [...traced, process.execPath, LIFE, temporaryFolder(), mode]);
  expect(saidIn(String(stdout).split('\n')).kept.size).toBe(records);
  const lines = readFileSync(log, 'utf8').split('\n');
  const [main = ''] = lines.find((line) => line.includes('MARK'))?.split(' ') ?? [];
  const counts = new Map<string, number>();
  let begun = false;
  return lines.flatMap((line) => {
    const call = /^\d+ +([a-z0-9_]+)\(/.exec(line)?.[1];
    if (call === undefined || !line.startsWith(`${main} `)) return [];
    const nth = (counts.get(call) ?? 0) + 1;
    counts.set(call, nth);
    begun ||= line.includes('MARK');
    return begun ? [{ call, nth }] : [];
  });
}

/** False: this life was over before; Node itself writes now once more, now once less. */
async function killAt({ call, nth }: Step, mode: string): Promise<boolean> {
  const path = temporaryFolder();
  const inject = `inject=${call}:signal=KILL:when=${nth}`;
  const args = ['-f', '-e', `trace=${call}`, '-e', inject, '-o', '/dev/null', process.execPath, LIFE];
  const child = startChild('strace', [...args, path, mode], { env: process.env });
  const { code } = await child.exited;
  expect(child.stderr).toEqual([]);
  checkLife(path, saidIn(child.stdout), `killed before ${call} ${nth}`);
  return code !== 0;
}

/** One life for each step; returns the kinds of steps. */
async function killAtEach(mode: string, records: number): Promise<string[]> {
  const all = stepsOfALife(mode, records);
  const steps = all.filter(({ call, nth }) => nth % (STRIDES[call] ?? 1) === 0);
  const queue = [...steps];
  let kills = 0;
  const work = async (): Promise<void> => {
    for (let step = queue.pop(); step !== undefined; step = queue.pop()) if (await killAt(step, mode)) kills += 1;
  };
  await Promise.all([work(), work()]);
  process.stderr.write(`steps, ${mode}: ${kills} kills, of ${all.length} steps of a life\n`);
  expect(kills).toBeGreaterThan(steps.length - 5);
  return [...new Set(steps.map(({ call }) => call))].sort();
}

testWithStrace(
  'killed before any step of opening, committing, marking, removing, writing back and opening again, nothing that was acknowledged is lost',
  async () => {
    const kinds = await killAtEach('plain', 14);
    expect(kinds).toEqual(['fsync', 'ftruncate', 'mkdir', 'pwrite64', 'rename', 'unlink', 'write']);
  },
  400_000,
);

testWithStrace(
  'the same for each step of a database that fails, is set aside, and whose records move over',
  async () => {
    const kinds = await killAtEach('move', 9);
    expect(kinds).toEqual(['fsync', 'ftruncate', 'link', 'mkdir', 'pwrite64', 'rename', 'rmdir', 'unlink', 'write']);
  },
  400_000,
);

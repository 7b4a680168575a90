/** The machine: how its cores are shared out, what a process has used of it, and its description for the report. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';

export interface Cores {
  /** What is measured. */
  readonly proxy: string;
  /** The target, the load, and this process. */
  readonly load: string;
  /** For rows that give what is measured all it wants. */
  readonly all: string;
}

/** One core for what is measured, the others for the rest. @throws Error on a machine with one core. */
export function shareCores(count = availableParallelism()): Cores {
  if (count < 2) throw new Error('the benchmark needs two cores: one for what is measured, one for target and load');
  return { proxy: '0', load: count === 2 ? '1' : `1-${count - 1}`, all: `0-${count - 1}` };
}

const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, that a process with all its threads has used (proc(5), fields 14 and 15). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) / TICKS_PER_SECOND;
}

/** CPU seconds of the threads of a process that have this name; 0 where Node gives its threads none. */
export function threadCpuSeconds(pid: number, name: string): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      if (readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim() !== name) continue;
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // A thread that ended between the listing and the look.
    }
  }
  return nanoseconds / 1e9;
}

/** Ticks that cores were busy, and all their ticks (/proc/stat): everybody's work on them, not only ours. */
export function coreClock(cores: string): { busy: number; total: number } {
  const wanted = new Set(expand(cores).map((core) => `cpu${core}`));
  let busy = 0;
  let total = 0;
  for (const line of readFileSync('/proc/stat', 'utf8').split('\n')) {
    const [name = '', ...fields] = line.split(/\s+/);
    if (!wanted.has(name)) continue;
    const times = fields.slice(0, 8).map(Number);
    const sum = times.reduce((all, time) => all + time, 0);
    total += sum;
    busy += sum - (times[3] ?? 0) - (times[4] ?? 0);
  }
  return { busy, total };
}

function expand(cores: string): number[] {
  const [first = 0, last = first] = cores.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** One line for the report. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? arch();
  const memory = Math.round(totalmem() / 2 ** 30);
  // Not availableParallelism(): this process is pinned by now.
  return `${cpus().length} cores of ${model}, ${memory} GiB, ${type()} ${release()}`;
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext2/3/4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
};

/** The kind of file system that a folder is on: what an fsync there is worth. */
export function fileSystemOf(folder: string): string {
  const { type: magic } = statfsSync(folder);
  return FILE_SYSTEMS[magic] ?? `type 0x${magic.toString(16)}`;
}

/** Faults of the disk by strace, which stands between a process and the kernel. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { startChild } from './child.ts';
import { cleanUp } from './cleanup.ts';
import { testUnless } from './skip.ts';
import { waitFor } from './wait.ts';

/** Some machines have no strace, or forbid it to trace. */
export const HAS_STRACE = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

/** Skipped, loudly, where there is no strace; in CI that is a failure. */
export function testWithStrace(title: string, body: () => Promise<void>, timeoutMs?: number): void {
  testUnless(HAS_STRACE ? undefined : 'STRACE CAN NOT TRACE HERE', title, body, timeoutMs);
}

/** Faults for one thread of a running process, until it is let go. */
export interface Faults {
  /** Lets go; from then on the kernel answers by itself. May be called again. */
  end(): Promise<void>;
}

/**
 * Attaches to the keeper of an Outrider, and to nothing else of it. `inject`: as strace has it, for example
 * `fsync,fdatasync:error=EIO`.
 */
export async function injectIntoKeeper(pid: number, inject: string): Promise<Faults> {
  const [calls = ''] = inject.split(':');
  const args = ['-p', keeperThread(pid), '-e', `trace=${calls}`, '-e', `inject=${inject}`, '-o', '/dev/null'];
  const child = startChild('strace', args, { env: process.env });
  let ended = false;
  const end = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    child.process.kill('SIGINT');
    await child.exited;
  };
  cleanUp(end);
  await waitFor(() => child.stderr.some((line) => line.includes('attached')), { what: 'strace to attach' });
  return { end };
}

function keeperThread(pid: number): string {
  const folder = `/proc/${pid}/task`;
  const found = readdirSync(folder).find((task) => readFileSync(`${folder}/${task}/comm`, 'utf8').trim() === 'keeper');
  if (found === undefined) throw new Error(`process ${pid} has no thread named keeper`);
  return found;
}

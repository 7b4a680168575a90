/** Faults of the disk by strace, put into a running process and taken out again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';

const ATTACH_MS = 10_000;

export function canTrace(): boolean {
  return spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
}

export interface Tracer {
  /** How often it has done it. */
  injected(): number;
  detach(): Promise<void>;
}

/** `injection` as strace wants it, for fsync and fdatasync: `error=EIO:when=1`. Returns when every thread is traced. */
export async function injectIntoSync(pid: number, injection: string): Promise<Tracer> {
  const log = join(temporaryFolder(), 'strace.log');
  const calls = ['-e', 'trace=fsync,fdatasync', '-e', `inject=fsync,fdatasync:${injection}`];
  const strace = spawn('strace', ['-f', ...calls, '-o', log, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  strace.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  cleanUp(() => detach(strace));
  const attached = (): boolean => said.includes('attached') || strace.exitCode !== null;
  await waitFor(attached, { what: 'strace to attach', timeoutMs: ATTACH_MS });
  if (strace.exitCode !== null) throw new Error(`strace ended: ${said}`);
  return {
    injected: () => (existsSync(log) ? readFileSync(log, 'utf8').split(/\((?:INJECTED|DELAYED)/).length - 1 : 0),
    detach: () => detach(strace),
  };
}

/** The process goes on as if nothing had been. */
async function detach(strace: ChildProcess): Promise<void> {
  if (strace.exitCode !== null || strace.signalCode !== null) return;
  const exited = once(strace, 'exit');
  strace.kill('SIGINT');
  await exited;
}

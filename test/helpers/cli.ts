/** The command line, in this process and as a process of its own. */
import './one-realm.ts';
import { join } from 'node:path';
import type { CliContext } from '../../src/runtime/cli/context.ts';
import { startChild } from './child.ts';
import { cleanUp } from './cleanup.ts';

const ENTRY = join(import.meta.dirname, '../../src/outrider.ts');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `outrider ARGS` as a process, with only this environment. */
export async function outrider(
  args: readonly string[],
  options: {
    env?: Readonly<Record<string, string>>;
    cwd?: string;
    nodeArgs?: readonly string[];
    input?: string;
    closeStdout?: boolean;
  } = {},
): Promise<CliResult> {
  const { env = {}, cwd, nodeArgs = [], input, closeStdout = false } = options;
  const child = startChild(process.execPath, [...nodeArgs, ENTRY, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
  });
  if (closeStdout) child.process.stdout?.destroy();
  cleanUp(() => void child.process.kill('SIGKILL'));
  const { code } = await child.exited;
  return { code, stdout: child.stdout.join('\n'), stderr: child.stderr.join('\n') };
}

/** A context that keeps what is said. */
export function memoryContext(
  env: Readonly<Record<string, string>> = {},
): CliContext & { readonly lines: string[]; readonly errors: string[] } {
  const lines: string[] = [];
  const errors: string[] = [];
  return {
    env,
    lines,
    errors,
    out: (line) => void lines.push(line),
    err: (line) => void errors.push(line),
    style: (_format, text) => text,
    readInput: () => Promise.resolve(''),
  };
}

/** A child process whose output is kept as lines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly stdout: string[];
  readonly stderr: string[];
  /** After its output has been read to the end. */
  readonly exited: Promise<ChildExit>;
  exit: ChildExit | null;
}

export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Its standard input, which is empty without. */
  readonly input?: string;
}

/** Starts it with exactly this environment; the caller sees to its end. */
export function startChild(command: string, args: readonly string[], { input, ...options }: ChildOptions): Child {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  if (child.pid === undefined) throw new Error(`could not start ${command}`);
  const started: Child = {
    process: child,
    pid: child.pid,
    stdout: collectLines(child.stdout),
    stderr: collectLines(child.stderr),
    exited: once(child, 'close').then(() => {
      started.exit = { code: child.exitCode, signal: child.signalCode };
      return started.exit;
    }),
    exit: null,
  };
  return started;
}

/** Grows as lines come; the last piece is added at the end also without its newline. */
function collectLines(stream: NodeJS.ReadableStream): string[] {
  const lines: string[] = [];
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const pieces = (rest + chunk).split('\n');
    rest = pieces.pop() ?? '';
    lines.push(...pieces);
  });
  stream.on('end', () => {
    if (rest !== '') lines.push(rest);
  });
  return lines;
}

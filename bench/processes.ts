/** Every process that the benchmark starts, so that none is left: not after an error, not after Ctrl-C. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Child, type ChildOptions, startChild } from '../test/helpers/child.ts';

const running = new Set<Child>();
const GRACE_MS = 3000;
const READY_MS = 15_000;

export interface StartOptions extends Partial<ChildOptions> {
  /** As for taskset: `0`, `0,1`. */
  readonly cores: string;
}

/** Starts a command on some cores only. taskset becomes the command: the pid is the command's own. */
export function startOnCores(command: string, args: readonly string[], { cores, ...options }: StartOptions): Child {
  const child = startChild('taskset', ['--cpu-list', cores, command, ...args], { env: process.env, ...options });
  running.add(child);
  child.process.on('error', (error) => child.stderr.push(error.message));
  void child.exited.then(() => running.delete(child));
  return child;
}

/** Runs it to its end and gives what it printed. @throws Error with its output when it fails. */
export async function runOnCores(command: string, args: readonly string[], options: StartOptions): Promise<string> {
  const child = startOnCores(command, args, options);
  const { code, signal } = await child.exited;
  if (code !== 0)
    throw new Error(`${command} ended with ${code ?? signal}:\n${[...child.stdout, ...child.stderr].join('\n')}`);
  return child.stdout.join('\n');
}

/** SIGTERM, then SIGKILL after a grace. Stopping what has ended is nothing. */
export async function stopChild(child: Child): Promise<void> {
  if (child.exit !== null) return;
  child.process.kill('SIGTERM');
  const late = setTimeout(() => child.process.kill('SIGKILL'), GRACE_MS);
  await child.exited;
  clearTimeout(late);
}

/** How a process ended and what it printed last; '' as long as it runs. */
export function lastWords({ exit, stdout, stderr }: Child): string {
  if (exit === null) return '';
  return [`it ended with ${exit.code ?? exit.signal}`, ...[...stdout, ...stderr].slice(-20)].join('\n');
}

/** Asks every 2 ms until the fact is there. @throws Error with what the process printed when it ends, or after 15 s. */
export async function waitForChild<T>(child: Child, what: string, fact: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const value = await fact();
    if (value !== null) return value;
    if (child.exit !== null) throw new Error(`${what}: ${lastWords(child)}`);
    if (performance.now() > deadline) {
      throw new Error(
        `${what}: not within ${READY_MS} ms\n${[...child.stdout, ...child.stderr].slice(-20).join('\n')}`,
      );
    }
    await pause(2);
  }
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stopChild));
}

/** On Ctrl-C, a closed terminal or a plain kill: stops everything, cleans up, and ends with the signal's exit code. */
export function stopAllOnSignals(cleanUp: () => void): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      void stopAll().then(() => {
        cleanUp();
        process.exit(code);
      });
    });
  }
}

/** One run of some tests in one copy of the project. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from './sabotage.ts';
import { ROOT, type Tree } from './tree.ts';

/** `passed` and `failed`: the tests ran, and all of them or not all went well. The others say nothing about them. */
export type Verdict = 'passed' | 'failed' | 'did not run' | 'no such test' | 'took too long';

export interface JestRun {
  readonly verdict: Verdict;
  readonly seconds: number;
  readonly output: string;
}

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

const TIMEOUT_MS = 150_000;
const running = new Set<ChildProcess>();

/** Everything that is under way ends, with what it has started. */
export function stopAllRuns(): void {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

export async function runJest(tree: Tree, { file, title }: Test): Promise<JestRun> {
  const results = join(tree.folder, 'results.json');
  rmSync(results, { force: true });
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
  const what = ['--runInBand', '--json', `--outputFile=${results}`, '--runTestsByPath', file, '-t', title];
  const began = performance.now();
  const child = spawn(process.execPath, [...flags, jest, ...what], {
    cwd: tree.folder,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, TIMEOUT_MS);
  await once(child, 'close');
  clearTimeout(timer);
  running.delete(child);
  const report: JestReport | null = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : null;
  const verdict = late ? 'took too long' : verdictOf(report);
  return { verdict, seconds: (performance.now() - began) / 1000, output };
}

/** A build that does not load fails every test, and shows nothing: that is no failure here. */
function verdictOf(report: JestReport | null): Verdict {
  if (report === null || report.numRuntimeErrorTestSuites > 0) return 'did not run';
  if (report.numFailedTests > 0) return 'failed';
  return report.numPassedTests > 0 ? 'passed' : 'no such test';
}

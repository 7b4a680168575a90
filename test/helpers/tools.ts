/** Programs from Debian that some tests use. */
import { spawnSync } from 'node:child_process';
import { testUnless } from './skip.ts';

export const hasTool = (command: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$0"', command], { stdio: 'ignore' }).status === 0;

/** Skipped, loudly, where the program is not installed; in CI that is a failure. */
export function testWithTool(command: string, title: string, body: () => Promise<void>, timeoutMs?: number): void {
  testUnless(hasTool(command) ? undefined : `THERE IS NO ${command}`, title, body, timeoutMs);
}

/** Programs from Debian that some tests use. */
import { spawnSync } from 'node:child_process';

export const hasTool = (command: string): boolean =>
  spawnSync('sh', ['-c', 'command -v "$0"', command], { stdio: 'ignore' }).status === 0;

/** Skipped, loudly, where the program is not installed; in CI that is a failure. */
export function testWithTool(command: string, title: string, body: () => Promise<void>, timeoutMs?: number): void {
  if (hasTool(command) || process.env.CI === 'true') {
    test(title, body, timeoutMs);
    return;
  }
  process.stderr.write(`skipped, there is no ${command}: ${title}\n`);
  test.skip(title, body);
}

/** Faults of the disk by strace, which stands between a process and the kernel. */
import { spawnSync } from 'node:child_process';

/** Some machines have no strace, or forbid it to trace. */
const HAS_STRACE = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

/** Skipped, loudly, where there is no strace; in CI that is a failure. */
export function testWithStrace(title: string, body: () => Promise<void>, timeoutMs?: number): void {
  if (HAS_STRACE || process.env.CI === 'true') {
    test(title, body, timeoutMs);
    return;
  }
  process.stderr.write(`skipped, strace can not trace here: ${title}\n`);
  test.skip(title, body);
}

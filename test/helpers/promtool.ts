/** promtool, of Debian's package prometheus: what Prometheus itself makes of rules and series. */
import { spawnSync } from 'node:child_process';

const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0;

/** Skipped, loudly, where there is no promtool; in CI that is a failure. */
export function describeWithPromtool(title: string, suite: () => void): void {
  if (HAS_PROMTOOL) {
    describe(title, suite);
    return;
  }
  const missing = `SKIPPED, NO PROMTOOL: ${title} (install Debian's package prometheus)`;
  if (process.env.CI === 'true') {
    test(title, () => {
      throw new Error(missing);
    });
    return;
  }
  process.stderr.write(`\n${missing}\n`);
  describe.skip(title, suite);
}

/** Exit code and all it said. */
export function promtool(...args: string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}` };
}

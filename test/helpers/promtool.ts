/** promtool, of Debian's package prometheus: what Prometheus itself makes of rules and series. */
import { spawnSync } from 'node:child_process';
import { describeUnless } from './skip.ts';

const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0;

/** Skipped, loudly, where there is no promtool; in CI that is a failure. */
export function describeWithPromtool(title: string, suite: () => void): void {
  describeUnless(HAS_PROMTOOL ? undefined : "NO PROMTOOL (install Debian's package prometheus)", title, suite);
}

/** Exit code and all it said. */
export function promtool(...args: string[]): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}` };
}

/** Two processes on one folder, as in a rollout whose new pod starts before the old one has ended. */
import { temporaryFolder } from '../helpers/cleanup.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { waitFor } from '../helpers/wait.ts';
import { expectHealed, Failing, Live, readyz, routesWithOneDown, type Traffic } from './live.ts';

async function startOn(path: string): Promise<Traffic> {
  const outrider = await startOutrider({
    outrider: { spool: { path } },
    routes: await routesWithOneDown(),
    checkLeaks: false,
  });
  return { outrider, live: new Live(outrider.port), failing: new Failing(outrider.port) };
}

const idsIn = async (outrider: Outrider): Promise<Set<string>> =>
  new Set((await outrider.records()).map(({ id }) => id));

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'the second process serves and keeps nothing until the first is gone (%s), then takes over its records',
  async (signal) => {
    const path = temporaryFolder();
    const first = await startOn(path);
    await first.failing.more('committed', 20);
    const second = await startOn(path);
    await second.failing.more('failed', 20);
    await first.failing.more('committed', 20);
    // Degraded, not out of service: `readyz` requires 200.
    expect(await readyz(second.outrider)).toMatch(/degraded: spool: .*another process has it open/);
    expect(second.failing.count('committed')).toBe(0);
    expect((await second.outrider.metrics()).value('captures_total', { result: 'failed' })).toBeGreaterThanOrEqual(20);
    await Promise.all([first.live.end(), first.failing.end()]);
    expect([first.failing.wrong, first.live.errors]).toEqual([[], []]);
    expect(first.failing.count('failed')).toBe(0);
    if (signal === 'SIGKILL') await first.outrider.kill9();
    else await first.outrider.stop();
    await second.outrider.waitForLog('the spool is available again');
    await expectHealed(second);
    const kept = await idsIn(second.outrider);
    expect(first.failing.ids.filter((id) => !kept.has(id))).toEqual([]);
    expect(kept.size).toBe(first.failing.ids.length + second.failing.ids.length);
  },
  60_000,
);

test('two that are started at once: exactly one has the spool, and the records are those that it promised', async () => {
  const path = temporaryFolder();
  const both = await Promise.all([startOn(path), startOn(path)]);
  await waitFor(() => both.some(({ failing }) => failing.count('committed') > 20), { what: 'records' });
  await Promise.all(both.flatMap(({ live, failing }) => [live.end(), failing.end()]));
  const owners = both.filter(({ failing }) => failing.ids.length > 0);
  expect(owners).toHaveLength(1);
  for (const { outrider, failing } of owners) {
    expect(await idsIn(outrider)).toEqual(new Set(failing.ids));
    expect((await outrider.metrics()).value('ledger_difference')).toBe(0);
  }
}, 60_000);

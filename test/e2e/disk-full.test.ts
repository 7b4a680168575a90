/** A volume without a free byte, and a spool without room by its own limit. */
import { testWithVolume, Volume } from '../helpers/volume.ts';
import { expectDegraded, expectHealed, readyz, startTraffic } from './live.ts';

testWithVolume(
  'a full volume costs captures, counted and told, and nothing else; once there is space they are kept again',
  async () => {
    const volume = new Volume(8 << 20);
    const traffic = await startTraffic({ outrider: { spool: { path: volume.path } } });
    volume.fill();
    await expectDegraded(traffic, 'failed');
    expect((await traffic.outrider.metrics()).value('spool_errors_total')).toBeGreaterThan(0);
    expect(await readyz(traffic.outrider)).toContain('degraded: spool');
    volume.free();
    await expectHealed(traffic);
  },
  120_000,
);

test('a spool that is full by its size refuses captures, and takes them again when it may be larger', async () => {
  const spool = { size: '2Mi' };
  const traffic = await startTraffic({ outrider: { spool } });
  await expectDegraded(traffic, 'failed');
  const metrics = await traffic.outrider.metrics();
  expect(metrics.value('spool_bytes')).toBeLessThanOrEqual(2 << 20);
  traffic.outrider.editConfig({ spool: { size: '64Mi' } });
  await expectHealed(traffic);
}, 120_000);

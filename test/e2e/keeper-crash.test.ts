/** The thread that owns the disk crashes again and again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { crashWorkerWhen } from '../helpers/crash-worker.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { expectHealed, startTraffic } from './live.ts';

const CRASHES = 4;

test('crashes of the keeper thread cost captures for a moment, counted, and no live request; every id that was given stays', async () => {
  const trigger = join(temporaryFolder(), 'crash');
  const traffic = await startTraffic({
    outrider: {
      metrics: { address: `localhost:${await closedPort()}` },
      admin: { address: `localhost:${await closedPort()}` },
    },
    nodeArgs: ['--import', crashWorkerWhen(trigger)],
  });
  const { outrider, live, failing } = traffic;
  const crashes = (): number => outrider.logs.filter(({ msg }) => msg.includes('the keeper thread failed')).length;
  for (let crash = 1; crash <= CRASHES; crash += 1) {
    writeFileSync(trigger, '');
    await waitFor(() => crashes() === crash, { what: `crash ${crash}`, timeoutMs: 20_000 });
    await failing.more('committed', 10);
  }
  await live.expectUnaffected();
  await expectHealed(traffic);
  expect(failing.count('failed')).toBeGreaterThan(0);
  expect((await outrider.metrics()).value('captures_total', { result: 'failed' })).toBe(failing.count('failed'));
}, 120_000);

/** Settings that give records up on purpose, or nothing at all: in the real process, counted to the last record. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider as cli } from '../helpers/cli.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { testWithVolume, Volume } from '../helpers/volume.ts';
import { waitFor } from '../helpers/wait.ts';
import { readyz, routesWithOneDown, startTraffic } from './live.ts';

/** Every record that was ever captured is in the spool, or in the state that says how it went. */
async function expectLedger(outrider: Outrider): Promise<Readonly<Record<string, number>>> {
  const { code, stdout, stderr } = await cli(['ledger', '--verify', '--json', '--admin', outrider.adminUrl]);
  expect([code, stderr]).toEqual([0, '']);
  const { captured, states, difference } = JSON.parse(stdout);
  expect(difference).toBe(0);
  return { captured, ...states };
}

test('whenFull: dropOldest gives the oldest up for the newest, counted, and refuses nothing', async () => {
  const spool = { size: '2Mi', whenFull: 'dropOldest' };
  const traffic = await startTraffic({ outrider: { spool, kafka: { brokers: [] } } });
  const { outrider, live, failing } = traffic;
  const lost = async (): Promise<number> =>
    (await outrider.metrics()).value('lost_records_total', { reason: 'dropOldest' });
  await waitFor(async () => (await lost()) > 100, { what: 'records that were given up', timeoutMs: 60_000 });
  await live.expectUnaffected();
  await Promise.all([live.end(), failing.end()]);
  expect([failing.wrong, failing.count('failed'), live.errors]).toEqual([[], 0, []]);
  const kept = (await outrider.records()).map(({ id }) => id);
  // What is left are the newest, in their order.
  expect(kept.length).toBeGreaterThan(100);
  expect([...kept].sort()).toEqual(failing.ids.slice(-kept.length).sort());
  const ledger = await expectLedger(outrider);
  expect(ledger).toMatchObject({ captured: failing.ids.length, held: kept.length, lost: await lost() });
  expect((await outrider.metrics()).value('spool_bytes')).toBeLessThanOrEqual(2 << 20);
}, 120_000);

test('capture.rate keeps so many a second; the rest is answered failed, and counted as lost', async () => {
  const traffic = await startTraffic({ outrider: { capture: { rate: '40/s' } } });
  const { outrider, live, failing } = traffic;
  await failing.more('failed', 50);
  await failing.more('committed', 50);
  await live.expectUnaffected();
  await Promise.all([live.end(), failing.end()]);
  expect([failing.wrong, live.errors]).toEqual([[], []]);
  const lost = async (): Promise<number> => (await outrider.metrics()).value('lost_records_total', { reason: 'rate' });
  await waitFor(async () => (await lost()) === failing.count('failed'), { what: 'the count of what was lost' });
  const ledger = await expectLedger(outrider);
  expect(ledger).toMatchObject({ lost: failing.count('failed'), held: failing.ids.length });
}, 120_000);

describe('spool.required', () => {
  testWithVolume(
    'refuses to start where the spool can not be had, with one line that says why',
    async () => {
      const path = join(temporaryFolder(), 'file');
      writeFileSync(path, '');
      const dir = temporaryFolder();
      const listeners = [{ name: 'a', address: 'localhost:0' }];
      const parts = { listeners, metrics: { address: 'localhost:0' }, admin: { address: 'localhost:0' } };
      const spool = { path, required: true };
      writeFileSync(join(dir, 'outrider.yaml'), JSON.stringify({ ...parts, spool }));
      writeFileSync(join(dir, 'routes.yaml'), JSON.stringify(await routesWithOneDown()));
      const { code, stdout, stderr } = await cli(['run', '--config', dir], { cwd: dir });
      expect(code).toBe(1);
      expect(`${stdout}${stderr}`).toMatch(/spool\.required/);
      const memory = new Volume(8 << 20);
      writeFileSync(
        join(dir, 'outrider.yaml'),
        JSON.stringify({ ...parts, spool: { path: memory.path, required: true } }),
      );
      const onMemory = await cli(['run', '--config', dir], { cwd: dir });
      expect(onMemory.code).toBe(1);
      expect(`${onMemory.stdout}${onMemory.stderr}`).toMatch(/spool\.required.*memory/);
    },
    60_000,
  );

  test('answers 503 while the spool is away, and serves again by itself', async () => {
    const path = join(temporaryFolder(), 'spool');
    mkdirSync(path);
    const outrider = await startOutrider({
      outrider: { spool: { path, required: true } },
      routes: await routesWithOneDown(),
      checkLeaks: false,
    });
    const ask = (uri: string): Promise<Response> =>
      fetch(`${outrider.url}${uri}`, { headers: { connection: 'close' } });
    expect((await ask('/up')).status).toBe(200);
    expect((await ask('/down')).headers.get('outrider-record')).not.toBeNull();
    rmSync(path, { recursive: true });
    writeFileSync(path, 'in the way');
    await ask('/down');
    await waitFor(async () => (await ask('/up')).status === 503, { what: '503', timeoutMs: 20_000 });
    expect(await readyz(outrider)).toContain('degraded: spool');
    rmSync(path);
    await waitFor(async () => (await ask('/up')).status === 200, { what: 'service', timeoutMs: 20_000 });
    await waitFor(async () => (await ask('/down')).headers.has('outrider-record'), { what: 'a record' });
  }, 90_000);
});

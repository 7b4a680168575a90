/** A disk that fails in every way: what was promised stays, nothing is promised meanwhile, and it heals by itself. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { injectIntoKeeper, testWithStrace } from '../helpers/strace.ts';
import { testWithVolume, Volume } from '../helpers/volume.ts';
import { expectDegraded, expectHealed, readyz, routesWithOneDown, startTraffic } from './live.ts';

/** What happens to the disk, and how strace does it. Several are one after the other, each of them healed before the next. */
const FAULTS: readonly (readonly [fault: string, injects: readonly string[]])[] = [
  ['every fsync fails (EIO)', ['fsync,fdatasync:error=EIO']],
  ['every write to the database fails (EIO)', ['pwrite64:error=EIO']],
  [
    'the volume turned read-only (EROFS), or its user is over a quota (EDQUOT), or the file may not grow (EFBIG)',
    ['pwrite64,ftruncate,unlink,mkdir:error=EROFS', 'pwrite64:error=EDQUOT', 'pwrite64:error=EFBIG'],
  ],
];

for (const [fault, injects] of FAULTS) {
  testWithStrace(
    `while ${fault}, nothing is promised and live traffic goes on; afterwards it heals, with every record`,
    async () => {
      const traffic = await startTraffic();
      for (const inject of injects) {
        const faults = await injectIntoKeeper(traffic.outrider.pid, inject);
        await expectDegraded(traffic, 'failed');
        expect((await traffic.outrider.metrics()).value('spool_errors_total')).toBeGreaterThan(0);
        expect(await readyz(traffic.outrider)).toContain('degraded: spool');
        await faults.end();
        await traffic.failing.more('committed', 5);
      }
      await expectHealed(traffic);
    },
    120_000,
  );
}

testWithStrace(
  'one fsync that fails is not believed: its records are not promised, and a file without that fault follows',
  async () => {
    const traffic = await startTraffic();
    const { outrider, failing } = traffic;
    const faults = await injectIntoKeeper(outrider.pid, 'fsync,fdatasync:error=EIO:when=3');
    await failing.more('failed', 1);
    await expectHealed(traffic);
    await faults.end();
    expect((await outrider.metrics()).value('spool_errors_total', { operation: 'commit' })).toBe(1);
    // Also after another start, from the disk alone.
    await outrider.restart();
    const kept = new Set((await outrider.records()).map(({ id }) => id));
    expect(failing.ids.filter((id) => !kept.has(id))).toEqual([]);
  },
  120_000,
);

testWithVolume(
  'a volume that is read-only at the start is told, and used once it is not',
  async () => {
    const volume = new Volume(8 << 20);
    volume.remount('ro');
    const outrider = await startOutrider({
      outrider: { spool: { path: volume.path } },
      routes: await routesWithOneDown(),
    });
    const ask = () => fetch(`${outrider.url}/down`, { headers: { connection: 'close' } });
    expect((await ask()).headers.get('outrider-capture')).toBe('failed');
    expect(await readyz(outrider)).toMatch(/degraded: spool: .*(EROFS|read-only)/);
    volume.remount('rw');
    await outrider.waitForLog('the spool is available again');
    expect((await ask()).headers.get('outrider-record')).not.toBeNull();
  },
  60_000,
);

testWithVolume(
  'a volume that is taken away while running is noticed: what is promised then is on what lies there now',
  async () => {
    const volume = new Volume(8 << 20);
    const traffic = await startTraffic({ outrider: { spool: { path: volume.path } } });
    volume.unmount();
    await traffic.failing.more('failed', 1);
    await traffic.live.expectUnaffected();
    await traffic.failing.more('committed', 10);
    const { ids } = traffic.failing;
    await Promise.all([traffic.live.end(), traffic.failing.end()]);
    await traffic.outrider.restart();
    const [last = 'none'] = ids.slice(-1);
    expect(await traffic.outrider.record(last)).toMatchObject({ id: last });
    expect([traffic.live.errors, traffic.failing.wrong]).toEqual([[], []]);
  },
  60_000,
);

test.each([
  // Whoever uses it makes files in it meanwhile.
  ['removed', (folder: string) => rmSync(folder, { recursive: true, maxRetries: 20 })],
  ['renamed', (folder: string) => renameSync(folder, `${folder}.old`)],
  [
    'replaced by a file',
    (folder: string) => {
      renameSync(folder, `${folder}.old`);
      writeFileSync(folder, '');
      setTimeout(() => rmSync(folder), 3000);
    },
  ],
])(
  'a spool folder that is %s while running is noticed before anything more is promised, and made anew',
  async (_, take) => {
    const spoolDir = join(temporaryFolder(), 'spool');
    mkdirSync(spoolDir);
    const traffic = await startTraffic({ outrider: { spool: { path: spoolDir } } });
    const before = traffic.failing.ids.length;
    take(spoolDir);
    const taken = traffic.failing.ids.length;
    await traffic.failing.more('failed', 1);
    await traffic.live.expectUnaffected();
    await traffic.failing.more('committed', 20);
    expect(taken).toBeGreaterThanOrEqual(before);
    const { ids } = traffic.failing;
    await Promise.all([traffic.live.end(), traffic.failing.end()]);
    expect((await traffic.outrider.metrics()).value('spool_errors_total')).toBeGreaterThan(0);
    await traffic.outrider.restart();
    const [last = 'none'] = ids.slice(-1);
    expect(await traffic.outrider.record(last)).toMatchObject({ id: last });
    expect([traffic.live.errors, traffic.failing.wrong]).toEqual([[], []]);
  },
  60_000,
);

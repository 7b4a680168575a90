/** A clock that jumps, both ways: order, ages and releases hang on elapsed time. */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { waitFor } from '../helpers/wait.ts';
import { routesWithOneDown } from './live.ts';

/** libfaketime, which stands between a process and its clock; Debian's package `faketime`. */
const FAKETIME = [
  '/usr/lib',
  ...(existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`) : []),
]
  .map((folder) => join(folder, 'faketime/libfaketimeMT.so.1'))
  .find(existsSync);

const HOUR = 3600;
const DAY = 24 * HOUR;
const testWithFaketime = FAKETIME !== undefined || process.env.CI === 'true' ? test : test.skip;
if (FAKETIME === undefined) process.stderr.write('skipped, there is no libfaketime: tests of a clock that jumps\n');

/** An Outrider whose clock is off by what `jump` says last, in seconds. Monotonic time goes on as it is. */
async function startWithClock(): Promise<{ outrider: Outrider; jump(seconds: number): void }> {
  const file = join(temporaryFolder(), 'offset');
  const jump = (seconds: number): void => {
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  jump(0);
  cleanUp(removeFaketimeMemory);
  const outrider = await startOutrider({
    routes: await routesWithOneDown(),
    outrider: { spool: { keep: '1h' }, capture: { wait: '2s' } },
    env: {
      LD_PRELOAD: FAKETIME ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    checkLeaks: false,
  });
  return { outrider, jump };
}

/** A process that was killed leaves its share of memory with libfaketime; only those that are gone by now. */
function removeFaketimeMemory(): void {
  for (const name of readdirSync('/dev/shm')) {
    const pid = /^(?:sem\.)?faketime_(?:shm|sem)_(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join('/dev/shm', name), { force: true });
  }
}

async function fail(outrider: Outrider): Promise<string> {
  const answer = await fetch(`${outrider.url}/down`, { headers: { connection: 'close' } });
  return answer.headers.get('outrider-record') ?? `none: ${answer.status} ${answer.headers.get('outrider-capture')}`;
}

testWithFaketime.each([
  ['an hour back', -HOUR],
  ['ten days ahead', 10 * DAY],
])(
  'a clock that jumps %s changes no order and no age',
  async (_, seconds) => {
    const { outrider, jump } = await startWithClock();
    const ids = [await fail(outrider), await fail(outrider)];
    const before = Date.now() / 1000;
    jump(seconds);
    for (let n = 0; n < 3; n += 1) ids.push(await fail(outrider));
    const oldest = (await outrider.metrics()).value('spool_oldest_record_age_seconds');
    expect(oldest).toBeGreaterThan(0);
    expect(oldest).toBeLessThan(60);
    jump(0);
    ids.push(await fail(outrider));
    const records = await outrider.records();
    // Newest first, by sequence, though their clocks say something else.
    expect(records.map(({ id }) => id)).toEqual([...ids].reverse());
    expect(new Set(ids).size).toBe(ids.length);
    const [jumped] = records.filter(({ id }) => id === ids[3]);
    // The jump has really happened.
    expect(Math.abs(Number(jumped?.timestamp) - before - seconds)).toBeLessThan(60);
    const metrics = await outrider.metrics();
    expect(metrics.value('spool_oldest_record_age_seconds')).toBeLessThan(60);
    expect(metrics.value('captures_total', { result: 'committed' })).toBe(6);
    expect(metrics.value('ledger_difference')).toBe(0);
  },
  60_000,
);

testWithFaketime(
  'timeouts and waits hold while the clock jumps, and a restart ten days ahead finds every record',
  async () => {
    const { outrider, jump } = await startWithClock();
    const first = await fail(outrider);
    for (const seconds of [10 * DAY, -10 * DAY, HOUR, -HOUR]) {
      jump(seconds);
      const began = performance.now();
      expect((await fetch(`${outrider.url}/up`, { headers: { connection: 'close' } })).status).toBe(200);
      expect(await fail(outrider)).toMatch(/^[0-9a-f-]{36}$/);
      expect(performance.now() - began).toBeLessThan(2000);
    }
    jump(10 * DAY);
    await outrider.restart();
    await waitFor(async () => (await outrider.records()).length === 5, { what: 'all records' });
    expect(await outrider.record(first)).toMatchObject({ state: 'held' });
    expect((await outrider.metrics()).value('spool_oldest_record_age_seconds')).toBeLessThan(60);
  },
  60_000,
);

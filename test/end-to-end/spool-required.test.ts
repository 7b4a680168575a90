import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cleanUp } from '../helpers/cleanup.ts';
import { answering, startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { waitFor } from '../helpers/wait.ts';

const MEMORY = '/dev/shm';
const testInMemory = existsSync(MEMORY) || process.env.CI === 'true' ? test : test.skip;

test('required: without its spool it refuses to start, and says why', async () => {
  const file = join(mkdtempSync('/tmp/outrider-required-'), 'a-file');
  cleanUp(() => rmSync(dirname(file), { recursive: true, force: true }));
  writeFileSync(file, '');
  const starting = startOutrider({ outrider: { spool: { path: file, required: true } } });
  await expect(starting).rejects.toThrow(/spool\.required is set, and spool: .*a-file/);
});

testInMemory('required: a volume that is memory is no real volume', async () => {
  const path = mkdtempSync(join(MEMORY, 'outrider-'));
  cleanUp(() => rmSync(path, { recursive: true, force: true }));
  await expect(startOutrider({ outrider: { spool: { path, required: true } } })).rejects.toThrow(/is memory/);
  const outrider = await startOutrider({ outrider: { spool: { path } } });
  expect((await outrider.waitForLog('is memory')).level).toBe('warn');
});

test('required: while the spool is away requests are refused, and taken again when it is back', async () => {
  const target = await startTarget(answering(200, 'served'));
  const outrider = await startOutrider({
    outrider: { spool: { required: true } },
    routes: { targets: { prod: target.url }, default: 'prod' },
    checkLeaks: false,
  });
  const status = async (): Promise<number> => (await fetch(outrider.url, { headers: { connection: 'close' } })).status;
  expect(await status()).toBe(200);
  renameSync(outrider.spoolDir, `${outrider.spoolDir}-away`);
  writeFileSync(outrider.spoolDir, 'in the way');
  await waitFor(async () => (await status()) === 503, { what: 'requests to be refused', timeoutMs: 15_000 });
  const refused = await fetch(outrider.url);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.text()).not.toContain(outrider.spoolDir);
  expect((await outrider.metrics()).value('outrider_rejected_total', { reason: 'spool' })).toBeGreaterThan(0);
  rmSync(outrider.spoolDir);
  mkdirSync(outrider.spoolDir);
  await waitFor(async () => (await status()) === 200, { what: 'requests to be taken again', timeoutMs: 15_000 });
}, 60_000);

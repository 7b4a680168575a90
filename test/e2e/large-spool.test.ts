/** A spool with a great many records: opened while requests are served already, in bounded memory, killed at any moment. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { randomFrom } from '../dispatch/fixtures.ts';
import { startChild } from '../helpers/child.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { Outrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { anonymousMemory } from '../helpers/process-facts.ts';
import { waitFor } from '../helpers/wait.ts';
import { printedSeed } from './data.ts';
import { routesWithOneDown } from './live.ts';

const MEBIBYTE = 1024 * 1024;
/** `npm run test:full` sets the size that is promised. */
const BYTES = Number(process.env.OUTRIDER_TEST_SPOOL ?? 100 * MEBIBYTE);
const POD = 'pod-1';
const KILLS = 5;

async function fill(path: string, bodyBytes: number): Promise<number> {
  const filler = join(import.meta.dirname, 'spool-filler.ts');
  const args = [filler, path, POD, String(BYTES), String(bodyBytes)];
  const child = startChild(process.execPath, args, { env: process.env });
  cleanUp(() => void child.process.kill('SIGKILL'));
  await child.exited;
  expect(child.stderr).toEqual([]);
  return Number(child.stdout[0]);
}

interface Opening {
  readonly outrider: Outrider;
  /** Milliseconds from its start to the first answer, and to the first record. */
  readonly servedMs: number;
  readonly keptMs: number;
}

async function open(path: string, routes: Readonly<Record<string, unknown>>): Promise<Opening> {
  const port = await closedPort();
  const outrider = new Outrider({
    outrider: { listeners: [{ name: 'a', address: `localhost:${port}` }], spool: { path, size: '4Gi' } },
    routes,
    env: { POD_NAME: POD },
    checkLeaks: false,
  });
  cleanUp(() => outrider.stop());
  const began = performance.now();
  const started = outrider.start();
  const ask = (uri: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${uri}`, { headers: { connection: 'close' } });
  const served = async (): Promise<boolean> => (await ask('/up')).status === 200;
  await waitFor(served, { what: 'the first answer', timeoutMs: 20_000, everyMs: 5 });
  const servedMs = performance.now() - began;
  const kept = async (): Promise<boolean> => (await ask('/down')).headers.has('outrider-record');
  await waitFor(kept, { what: 'the first record', timeoutMs: 20_000 });
  const keptMs = performance.now() - began;
  await started;
  return { outrider, servedMs, keptMs };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

test(`a spool of ${Math.round(BYTES / MEBIBYTE)} MiB: served in under a second, memory bounded, nothing lost by ${KILLS} kills while it is opened`, async () => {
  const random = randomFrom(printedSeed('large spool'));
  const routes = await routesWithOneDown();
  const empty = await open(temporaryFolder(), routes);
  await empty.outrider.metrics();
  const emptyMemory = anonymousMemory(empty.outrider.pid);
  await empty.outrider.stop();

  const path = temporaryFolder();
  const records = await fill(path, 1024);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const outrider = new Outrider({
      outrider: { spool: { path, size: '4Gi' } },
      routes,
      env: { POD_NAME: POD },
      checkLeaks: false,
    });
    const started = outrider.start().catch(() => undefined);
    await pause(100 + random() * 400);
    await outrider.kill9().catch(() => undefined);
    await started;
  }
  const { outrider, servedMs, keptMs } = await open(path, routes);
  const scrapeMs = await timed(() => outrider.metrics());
  const listMs = await timed(() => fetch(`${outrider.adminUrl}/api/records?limit=50`).then((answer) => answer.json()));
  const grown = anonymousMemory(outrider.pid) - emptyMemory;
  const figures = `${records} records: first answer ${servedMs.toFixed(0)} ms (empty: ${empty.servedMs.toFixed(0)}), first record ${keptMs.toFixed(0)} ms, /metrics ${scrapeMs.toFixed(0)} ms, a page of records ${listMs.toFixed(0)} ms, ${(grown / MEBIBYTE).toFixed(1)} MiB more memory`;
  process.stderr.write(`large spool: ${figures}\n`);
  const metrics = await outrider.metrics();
  expect(metrics.value('spool_records', { state: 'held' })).toBeGreaterThanOrEqual(records + 1);
  expect(metrics.value('ledger_difference')).toBe(0);
  // On a busy machine the start itself takes as long: the size must not add to it.
  expect(servedMs).toBeLessThan(Math.max(1000, 2 * empty.servedMs));
  expect(keptMs).toBeLessThan(10_000);
  expect(grown).toBeLessThan(64 * MEBIBYTE);
}, 600_000);

import { createHealth, degradations, type ProcessState } from '../../src/watch/health.ts';
import { Meter } from '../../src/watch/meter.ts';
import type { Sources } from '../../src/watch/sources.ts';
import { waitFor } from '../helpers/wait.ts';
import { sourcesAtRest, spoolStats } from './sources.ts';

const serving: ProcessState = { configParsed: true, listenersBound: true, draining: false };

function healthOf(process: ProcessState, sources: Sources = sourcesAtRest()) {
  const { memory } = new Meter(() => undefined);
  return createHealth({ memory, sources, process: () => process });
}

test('started means that the configuration is parsed and the listener bound', () => {
  expect(healthOf(serving).startupz()).toEqual({ ok: true, lines: ['[+]config ok', '[+]listener ok'] });
  expect(healthOf({ ...serving, configParsed: false }).startupz()).toEqual({
    ok: false,
    lines: ['[-]config: not parsed yet', '[+]listener ok'],
  });
  expect(healthOf({ ...serving, listenersBound: false }).startupz().ok).toBe(false);
});

test('ready means that it can serve and is not shutting down', () => {
  expect(healthOf(serving).readyz().ok).toBe(true);
  expect(healthOf({ ...serving, listenersBound: false }).readyz().ok).toBe(false);
  expect(healthOf({ ...serving, draining: true }).readyz().ok).toBe(false);
});

const broken = (): never => {
  throw new Error('disk I/O error\nat sqlite');
};
const records = { ...spoolStats().records, quarantined: 2 };
const worst: readonly [string, Partial<Sources>, RegExp][] = [
  ['the spool is away', { spool: () => null }, /spool: not available/],
  ['the spool throws', { spool: broken }, /spool: disk I\/O error at sqlite/],
  ['records are quarantined', { spool: () => spoolStats({ records }) }, /spool: 2 records can't be read/],
  ['the ledger differs', { spool: () => spoolStats({ captured: 3 }) }, /ledger: .* differ by 3/],
  [
    'Kafka is away',
    {
      spool: () => spoolStats({ mirrorWaiting: 12 }),
      mirror: () => ({ up: false, mirrored: 0, parked: 0, failed: 1, lastError: 'ECONNREFUSED' }),
    },
    /mirror: 12 records wait for Kafka \(ECONNREFUSED\)/,
  ],
  [
    'the volume is no disk',
    { volume: () => ({ kind: 'tmpfs', warning: 'tmpfs is gone with the pod' }) },
    /volume: tmpfs/,
  ],
  [
    'the configuration is stale',
    { config: () => ({ ...sourcesAtRest().config(), stale: true, lastReloadSuccessful: false }) },
    /config: .*last good one \(0123456789abcdef\) runs/,
  ],
  [
    'an edit was rejected',
    { config: () => ({ ...sourcesAtRest().config(), lastReloadSuccessful: false }) },
    /config: the last change was rejected/,
  ],
  ['something else is wrong', { problems: () => ['admin: port 5091 is busy'] }, /admin: port 5091 is busy/],
];

test.each(worst)('when %s it stays ready and says so on one line', (_, over, line) => {
  const { ok, lines } = healthOf(serving, sourcesAtRest(over)).readyz();
  expect(ok).toBe(true);
  const told = lines.filter((text) => text.startsWith('[-]degraded: '));
  expect(told.some((text) => line.test(text))).toBe(true);
  for (const text of lines) expect(text).not.toContain('\n');
});

test('nothing is degraded at rest, nor without a mirror', () => {
  expect(degradations(sourcesAtRest())).toEqual([]);
  expect(degradations(sourcesAtRest({ mirror: () => null }))).toEqual([]);
});

test('alive means that the path has beaten within the limit, or has just begun', async () => {
  const meter = new Meter(() => undefined);
  const { memory } = meter;
  const options = { memory, sources: sourcesAtRest(), process: () => serving };
  expect(createHealth(options).livez().ok).toBe(true);
  meter.heartbeat();
  expect(createHealth(options).livez()).toEqual({ ok: true, lines: ['[+]event-loop ok'] });
  const strict = createHealth({ ...options, staleAfterSeconds: 0.05 });
  await waitFor(() => !strict.livez().ok, { what: 'a heartbeat older than 50 ms' });
  expect(strict.livez().lines[0]).toMatch(/^\[-\]event-loop: no heartbeat for [0-9.]+ s/);
  expect(createHealth(options).livez().ok).toBe(true);
  meter.heartbeat();
  expect(strict.livez().ok).toBe(true);
});

test('a path that never beats is not alive either', async () => {
  const { memory } = new Meter(() => undefined);
  const options = { memory, sources: sourcesAtRest(), process: () => serving };
  const health = createHealth({ ...options, staleAfterSeconds: 0.02 });
  await waitFor(() => !health.livez().ok, { what: 'no first heartbeat for 20 ms' });
});

import { degradations } from '../../src/watch/degradations.ts';
import { createHealth, type ProcessState } from '../../src/watch/health.ts';
import type { Sources } from '../../src/watch/sources.ts';
import { sourcesAtRest, spoolStats } from './sources.ts';

const serving: ProcessState = { configParsed: true, listenersBound: true, draining: false };

const healthOf = (process: ProcessState) => createHealth(() => process);

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

test.each(worst)('when %s that is degraded, and told on one line', (_, over, line) => {
  const told = degradations(sourcesAtRest(over));
  expect(told.some((text) => line.test(text))).toBe(true);
  for (const text of told) expect(text).not.toContain('\n');
});

test('nothing is degraded at rest, nor without a mirror', () => {
  expect(degradations(sourcesAtRest())).toEqual([]);
  expect(degradations(sourcesAtRest({ mirror: () => null }))).toEqual([]);
});

test('alive means that it has answered', () => {
  expect(healthOf({ ...serving, listenersBound: false }).livez()).toEqual({ ok: true, lines: ['[+]event-loop ok'] });
});

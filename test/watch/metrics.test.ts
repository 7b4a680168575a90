import { CATALOG } from '../../src/watch/catalog.ts';
import { createExchangeMeters } from '../../src/watch/exchange-meters.ts';
import { Meter, type SeriesDefinition } from '../../src/watch/meter.ts';
import { createRegistry } from '../../src/watch/metrics.ts';
import type { Sources } from '../../src/watch/sources.ts';
import { type Family, parseExposition, sampleValue } from './exposition.ts';
import { sourcesAtRest, spoolStats } from './sources.ts';

async function scrape(meter: Meter, sources: Sources = sourcesAtRest()): Promise<Map<string, Family>> {
  const { memory, definitions } = meter;
  return parseExposition(await createRegistry({ memory, definitions, sources }).exposition());
}

test('every metric of the catalog that has a source is exported, with its type and help, and no reserved one', async () => {
  const families = await scrape(new Meter(() => undefined));
  for (const { name, type, help, writer } of CATALOG) {
    const family = families.get(name);
    if (writer === 'reserved') expect(family).toBeUndefined();
    else expect(family).toMatchObject({ type, help });
  }
});

test('all values of a closed label are there with 0 at the first scrape', async () => {
  const nothing = { spool: () => null, mirror: () => null, volume: () => null };
  const families = await scrape(new Meter(() => undefined), sourcesAtRest(nothing));
  for (const { name, type, labels, writer } of CATALOG) {
    if (writer === 'reserved' || labels.some(({ values }) => values === null) || name === 'outrider_mirror_up')
      continue;
    const expected = labels.reduce((product, { values }) => product * (values?.length ?? 0), 1);
    const samples = families.get(name)?.samples ?? [];
    const series = type === 'histogram' ? samples.filter((sample) => sample.name.endsWith('_count')) : samples;
    expect([name, series.length]).toEqual([name, expected]);
  }
  expect(sampleValue(families, 'outrider_spool_records', { state: 'held' })).toBe(0);
  expect(sampleValue(families, 'outrider_rejected_total', { reason: 'framing' })).toBe(0);
  expect(sampleValue(families, 'outrider_mirror_up')).toBeUndefined();
});

test('a gauge that is set to NaN has no series until it has a number again', async () => {
  const meter = new Meter(() => undefined);
  const gauge = meter.gauge('outrider_circuit_breaker_state', { target: 'gone' });
  const state = async () => sampleValue(await scrape(meter), 'outrider_circuit_breaker_state', { target: 'gone' });
  gauge.set(Number.NaN);
  expect(await state()).toBeUndefined();
  gauge.set(2);
  expect(await state()).toBe(2);
});

test("prom-client's default metrics are there without a prefix", async () => {
  const families = await scrape(new Meter(() => undefined));
  expect(sampleValue(families, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  expect(families.has('nodejs_eventloop_lag_seconds')).toBe(true);
});

test('counts survive a keeper that comes back: a new registry over the same memory', async () => {
  const meter = new Meter(() => undefined);
  const exchange = createExchangeMeters(meter, { maxRules: 10 }).of('a', 'r', 't');
  const done = { method: 'GET', code: 200, durationSeconds: 1, targetSeconds: 1, requestBytes: 1, responseBytes: 1 };
  exchange.finished(done);
  const labels = { listener: 'a', rule: 'r', target: 't', method: 'GET', code: '200' };
  expect(sampleValue(await scrape(meter), 'outrider_requests_total', labels)).toBe(1);
  exchange.finished(done);
  // What the border between the threads does: the memory is shared, the definitions are copied.
  const definitions: SeriesDefinition[] = structuredClone([...meter.definitions]);
  const restarted = createRegistry({ memory: meter.memory, definitions, sources: sourcesAtRest() });
  expect(sampleValue(parseExposition(await restarted.exposition()), 'outrider_requests_total', labels)).toBe(2);
  expect(
    sampleValue(parseExposition(await restarted.exposition()), 'outrider_request_duration_seconds_sum', {
      rule: 'r',
      target: 't',
    }),
  ).toBe(2);
});

test('a series that is defined after the registry was made shows at the next scrape', async () => {
  const meter = new Meter(() => undefined);
  const registry = createRegistry({ memory: meter.memory, definitions: meter.definitions, sources: sourcesAtRest() });
  await registry.exposition();
  meter.gauge('outrider_circuit_breaker_state', { target: 'late' }).set(2);
  const families = parseExposition(await registry.exposition());
  expect(sampleValue(families, 'outrider_circuit_breaker_state', { target: 'late' })).toBe(2);
});

test("the keeper's own meter is exported beside the path's, and what both count is added up", async () => {
  const path = new Meter(() => undefined);
  const keeper = new Meter(() => undefined);
  path.counter('outrider_spool_errors_total', { operation: 'copy' }).add(1);
  keeper.counter('outrider_spool_errors_total', { operation: 'copy' }).add(2);
  keeper.histogram('outrider_spool_commit_duration_seconds', {}).observe(0.0015);
  const { memory, definitions } = path;
  const registry = createRegistry({ memory, definitions, sources: sourcesAtRest(), keeper });
  const families = parseExposition(await registry.exposition());
  expect(sampleValue(families, 'outrider_spool_errors_total', { operation: 'copy' })).toBe(3);
  expect(sampleValue(families, 'outrider_spool_commit_duration_seconds_bucket', { le: '0.002' })).toBe(1);
});

test('names with quotes, backslashes and line feeds are escaped and read back as they were', async () => {
  const meter = new Meter(() => undefined);
  const target = 'a"b\\c\nd}e,f="g"';
  meter.gauge('outrider_circuit_breaker_state', { target }).set(1);
  expect(sampleValue(await scrape(meter), 'outrider_circuit_breaker_state', { target })).toBe(1);
});

test('spool, ledger, mirror, configuration, volume and build are told as their sources say', async () => {
  const records = { ...spoolStats().records, held: 5, quarantined: 2 };
  const families = await scrape(
    new Meter(() => undefined),
    sourcesAtRest({
      spool: () =>
        spoolStats({
          records,
          captured: 8,
          mirrorWaiting: 3,
          oldestWaitingAgeSeconds: 4.5,
          oldestUnreleasedAgeSeconds: 9,
        }),
      mirror: () => ({ up: false, mirrored: 11, parked: 1, failed: 6, lastError: 'connection refused' }),
    }),
  );
  const value = (name: string, labels = {}): number | undefined => sampleValue(families, `outrider_${name}`, labels);
  expect(value('spool_records', { state: 'held' })).toBe(5);
  expect(value('spool_quarantined_records_total')).toBe(2);
  expect(value('ledger_difference')).toBe(1);
  expect(value('spool_bytes')).toBe(4096);
  expect(value('spool_limit_bytes')).toBe(268_435_456);
  expect(value('spool_oldest_record_age_seconds')).toBe(9);
  expect(value('mirror_pending_records')).toBe(3);
  expect(value('mirror_oldest_pending_age_seconds')).toBe(4.5);
  expect(value('mirror_records_total', { result: 'failed' })).toBe(6);
  expect(value('mirror_up')).toBe(0);
  expect(value('spool_volume_info', { kind: 'ext4' })).toBe(1);
  expect(value('config_last_reload_successful')).toBe(1);
  expect(value('config_last_reload_success_timestamp_seconds')).toBe(1_697_812_345);
  expect(value('config_stale')).toBe(0);
  expect(value('config_info', { hash: '0123456789abcdef', source: '/etc/outrider' })).toBe(1);
  expect(value('build_info', { version: '0.1.0', node: 'v26.0.0' })).toBe(1);
});

test('a spool that throws takes no other metric away', async () => {
  const meter = new Meter(() => undefined);
  meter.counter('outrider_request_bytes_total', {}).add(3);
  const broken = (): never => {
    throw new Error('database is locked');
  };
  const families = await scrape(meter, sourcesAtRest({ spool: broken, mirror: broken, volume: broken }));
  expect(sampleValue(families, 'outrider_request_bytes_total')).toBe(3);
});

test('each source is asked once a scrape, so that its numbers are of one moment', async () => {
  let asked = 0;
  const spool = () => {
    asked++;
    return spoolStats();
  };
  await scrape(new Meter(() => undefined), sourcesAtRest({ spool }));
  expect(asked).toBe(1);
});

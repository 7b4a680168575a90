import { BUCKETS, CATALOG } from '../../src/watch/catalog.ts';
import { HISTOGRAM_SLOTS, Meter, type SeriesDefinition } from '../../src/watch/meter.ts';

const numbers = (meter: Meter, definition: SeriesDefinition | undefined, length = 1): number[] => {
  const slot = definition?.slot ?? -1;
  return Array.from(new Float64Array(meter.memory).subarray(slot, slot + length));
};
const ofName = (meter: Meter, name: string): SeriesDefinition | undefined =>
  meter.definitions.find((definition) => definition.name === name);

test('gives the same object for the same name and labels, in any order of the labels', () => {
  const meter = new Meter(() => undefined);
  const first = meter.counter('outrider_retries_total', { target: 'a', result: 'failed' });
  expect(meter.counter('outrider_retries_total', { result: 'failed', target: 'a' })).toBe(first);
  expect(meter.counter('outrider_retries_total', { result: 'delivered', target: 'a' })).not.toBe(first);
});

test('publishes each series once, with the slot that its numbers are in', () => {
  const published: SeriesDefinition[] = [];
  const meter = new Meter((definition) => published.push(definition));
  meter.counter('outrider_request_bytes_total', {}).add(7);
  meter.counter('outrider_request_bytes_total', {}).add(2);
  expect(published).toEqual(meter.definitions);
  expect(published.filter(({ name }) => name === 'outrider_request_bytes_total')).toHaveLength(1);
  expect(numbers(meter, ofName(meter, 'outrider_request_bytes_total'))).toEqual([9]);
});

test('a gauge can be set and moved', () => {
  const meter = new Meter(() => undefined);
  const gauge = meter.gauge('outrider_requests_in_flight', {});
  gauge.set(5);
  gauge.add(-2);
  expect(numbers(meter, ofName(meter, 'outrider_requests_in_flight'))).toEqual([3]);
});

test('a histogram counts in the bucket whose bound is not below the value, and sums', () => {
  const meter = new Meter(() => undefined);
  const histogram = meter.histogram('outrider_target_duration_seconds', { target: 'a' });
  for (const seconds of [0.001, 0.0011, 60, 61]) histogram.observe(seconds);
  const cells = numbers(meter, ofName(meter, 'outrider_target_duration_seconds'), HISTOGRAM_SLOTS);
  expect(cells[0]).toBe(1);
  expect(cells[1]).toBe(1);
  expect(cells[BUCKETS.length - 1]).toBe(1);
  expect(cells[BUCKETS.length]).toBe(1);
  expect(cells[HISTOGRAM_SLOTS - 1]).toBeCloseTo(121.0021, 6);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])(
  'an observation of %p is counted as 0 and spoils no sum',
  (bad) => {
    const meter = new Meter(() => undefined);
    const histogram = meter.histogram('outrider_target_duration_seconds', { target: 'a' });
    histogram.observe(2);
    histogram.observe(bad);
    const cells = numbers(meter, ofName(meter, 'outrider_target_duration_seconds'), HISTOGRAM_SLOTS);
    expect(cells[0]).toBe(1);
    expect(cells[HISTOGRAM_SLOTS - 1]).toBe(2);
  },
);

test('series never share a slot', () => {
  const meter = new Meter(() => undefined);
  const taken = new Set<number>();
  for (const target of ['a', 'b', 'c']) {
    meter.histogram('outrider_target_duration_seconds', { target });
    meter.counter('outrider_retries_total', { target, result: 'failed' });
  }
  for (const { name, slot } of meter.definitions) {
    const length = name === 'outrider_target_duration_seconds' ? HISTOGRAM_SLOTS : 1;
    for (let at = slot; at < slot + length; at++) {
      expect(taken.has(at)).toBe(false);
      taken.add(at);
    }
  }
});

test('a value outside a closed list becomes other', () => {
  const meter = new Meter(() => undefined);
  meter.counter('outrider_rejected_total', { reason: 'moon phase' });
  expect(ofName(meter, 'outrider_rejected_total')?.labels).toEqual({ reason: 'other' });
});

test('a label that is missing, unknown or of another type of metric is refused with the names that are right', () => {
  const meter = new Meter(() => undefined);
  expect(() => meter.counter('outrider_retries_total', { target: 'a' })).toThrow(/takes the labels \{target,result\}/);
  expect(() => meter.counter('outrider_retries_total', { target: 'a', outcome: 'x' })).toThrow(RangeError);
  expect(() => meter.gauge('outrider_retries_total', { target: 'a', result: 'failed' })).toThrow(/is a counter/);
});

test('without room left a series is dropped and counted, and nothing else is overwritten', () => {
  const meter = new Meter(() => undefined, 2 * HISTOGRAM_SLOTS + 1);
  const kept = meter.counter('outrider_request_bytes_total', {});
  kept.add(1);
  const before = Array.from(new Float64Array(meter.memory)).slice(HISTOGRAM_SLOTS);
  const lost = meter.histogram('outrider_target_duration_seconds', { target: 'a' });
  for (const seconds of [0, 1, 100]) lost.observe(seconds);
  expect(ofName(meter, 'outrider_target_duration_seconds')).toBeUndefined();
  const dropped = ofName(meter, 'outrider_metrics_dropped_series_total');
  expect(numbers(meter, dropped)).toEqual([1]);
  const after = Array.from(new Float64Array(meter.memory)).slice(HISTOGRAM_SLOTS);
  expect(after.filter((number, at) => number !== before[at])).toEqual([1]);
});

test('no metric is listed twice, and each is named as Prometheus asks', () => {
  const names = CATALOG.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type, help } of CATALOG) {
    expect(name).toMatch(/^outrider_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(help).toMatch(/\.$/);
  }
});

import { createExchangeMeters, type FinishedExchange } from '../../src/watch/exchange-meters.ts';
import { REASONS } from '../../src/watch/labels.ts';
import { Meter } from '../../src/watch/meter.ts';
import { createRegistry } from '../../src/watch/metrics.ts';
import { type Family, parseExposition, sampleValue } from './exposition.ts';
import { sourcesAtRest } from './sources.ts';

const finished = (over: Partial<FinishedExchange> = {}): FinishedExchange => ({
  method: 'GET',
  code: 200,
  durationSeconds: 0.004,
  targetSeconds: 0.003,
  requestBytes: 10,
  responseBytes: 20,
  ...over,
});

function setUp(maxRules = 200) {
  const meter = new Meter(() => undefined);
  const meters = createExchangeMeters(meter, { maxRules });
  const scrape = async (): Promise<Map<string, Family>> => {
    const { memory, definitions } = meter;
    return parseExposition(await createRegistry({ memory, definitions, sources: sourcesAtRest() }).exposition());
  };
  return { meter, meters, scrape };
}

test('gives the same object for the same listener, rule and target', () => {
  const { meters } = setUp();
  expect(meters.of('a', 'r', 't')).toBe(meters.of('a', 'r', 't'));
  expect(meters.of('a', 'r', 't')).not.toBe(meters.of('b', 'r', 't'));
});

test('a finished exchange is counted by method and code, timed, and its bytes added', async () => {
  const { meters, scrape } = setUp();
  const meter = meters.of('ambassador', 'users', 'prod');
  meter.finished(finished());
  meter.finished(finished());
  meter.finished(finished({ method: 'POST', code: 502, targetSeconds: null, requestBytes: 0 }));
  meter.finished(finished({ code: 204 }));
  meter.finished(finished());
  const families = await scrape();
  const labels = { listener: 'ambassador', rule: 'users', target: 'prod' };
  expect(sampleValue(families, 'outrider_requests_total', { ...labels, method: 'GET', code: '200' })).toBe(3);
  expect(sampleValue(families, 'outrider_requests_total', { ...labels, method: 'POST', code: '502' })).toBe(1);
  expect(sampleValue(families, 'outrider_requests_total', { ...labels, method: 'GET', code: '204' })).toBe(1);
  const pair = { rule: 'users', target: 'prod' };
  expect(sampleValue(families, 'outrider_request_duration_seconds_count', pair)).toBe(5);
  expect(sampleValue(families, 'outrider_request_duration_seconds_bucket', { ...pair, le: '0.002' })).toBe(0);
  expect(sampleValue(families, 'outrider_request_duration_seconds_bucket', { ...pair, le: '0.005' })).toBe(5);
  expect(sampleValue(families, 'outrider_target_duration_seconds_count', { target: 'prod' })).toBe(4);
  expect(sampleValue(families, 'outrider_request_bytes_total')).toBe(40);
  expect(sampleValue(families, 'outrider_response_bytes_total')).toBe(100);
});

test.each([
  ['BREW', 200, 'other', '200'],
  ['get', 200, 'other', '200'],
  ['PATCH', 0, 'PATCH', 'other'],
  ['PATCH', 600, 'PATCH', 'other'],
  ['PATCH', 99, 'PATCH', 'other'],
  ['PATCH', 100, 'PATCH', '100'],
  ['PATCH', 599, 'PATCH', '599'],
  ['PATCH', 200.5, 'PATCH', 'other'],
])('method %s and code %d are labelled %s and %s', async (method, code, methodLabel, codeLabel) => {
  const { meters, scrape } = setUp();
  meters.of('a', 'r', 't').finished(finished({ method, code }));
  const labels = { listener: 'a', rule: 'r', target: 't', method: methodLabel, code: codeLabel };
  expect(sampleValue(await scrape(), 'outrider_requests_total', labels)).toBe(1);
});

test('rules and targets past maxRules share the label other; default and none are not counted', async () => {
  const { meters, scrape } = setUp(2);
  for (const rule of ['default', 'r1', 'r2', 'r3', 'r4', 'r1']) meters.of('a', rule, `t-${rule}`).finished(finished());
  meters.of('a', 'default', '').finished(finished());
  const families = await scrape();
  const samples = families.get('outrider_requests_total')?.samples ?? [];
  const counts = samples.map(({ labels, value }) => [labels.rule, labels.target, value]);
  expect(counts.sort()).toEqual([
    ['default', 'none', 1],
    ['default', 't-default', 1],
    ['other', 'other', 2],
    ['r1', 't-r1', 2],
    ['r2', 'other', 1],
  ]);
});

test('10,000 rules take no more series than maxRules allows', () => {
  const { meter, meters } = setUp(20);
  for (let at = 0; at < 10_000; at++) meters.of('a', `rule-${at}`, `target-${at}`).finished(finished());
  expect(meter.definitions.length).toBeLessThan(21 * 40);
});

test('failures are there with 0 for every reason before the first of them', async () => {
  const { meters, scrape } = setUp();
  const meter = meters.of('a', 'r', 't');
  const before = await scrape();
  for (const reason of REASONS) {
    expect(sampleValue(before, 'outrider_failures_total', { rule: 'r', target: 't', reason })).toBe(0);
    expect(sampleValue(before, 'outrider_captures_total', { rule: 'r', reason, result: 'failed' })).toBe(0);
  }
  meter.failed('dns');
  meter.captured('committed', 'dns');
  meter.captured('partial', 'dns');
  meter.captured('committed', 'dns');
  const after = await scrape();
  expect(sampleValue(after, 'outrider_failures_total', { rule: 'r', target: 't', reason: 'dns' })).toBe(1);
  expect(sampleValue(after, 'outrider_failures_total', { rule: 'r', target: 't', reason: 'tls' })).toBe(0);
  expect(sampleValue(after, 'outrider_captures_total', { rule: 'r', reason: 'dns', result: 'committed' })).toBe(2);
  expect(sampleValue(after, 'outrider_captures_total', { rule: 'r', reason: 'dns', result: 'partial' })).toBe(1);
  expect(sampleValue(after, 'outrider_captures_total', { rule: 'r', reason: 'dns', result: 'pending' })).toBe(0);
});

import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createExchangeMeters } from '../../src/watch/exchange-meters.ts';
import { Meter } from '../../src/watch/meter.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { type Family, parseExposition, sampleValue } from './exposition.ts';

const exchange = {
  method: 'GET',
  code: 200,
  durationSeconds: 0.004,
  targetSeconds: 0.003,
  requestBytes: 1,
  responseBytes: 1,
};
const labels = { listener: 'a', rule: 'r', target: 't', method: 'GET', code: '200' };

function startKeeper(meter: Meter): Worker {
  const workerData = { memory: meter.memory, definitions: [...meter.definitions] };
  const keeper = new Worker(join(import.meta.dirname, 'keeper-thread.ts'), { workerData });
  cleanUp(async () => void (await keeper.terminate()));
  return keeper;
}

async function scrape(keeper: Worker): Promise<{ families: Map<string, Family> }> {
  keeper.postMessage('scrape');
  const [{ text }] = await once(keeper, 'message');
  return { families: parseExposition(text) };
}

test('a thread renders what another counts, before and after it crashed and came back', async () => {
  let keeper: Worker | null = null;
  const meter = new Meter((definition) => keeper?.postMessage(definition));
  keeper = startKeeper(meter);
  const counting = createExchangeMeters(meter, { maxRules: 10 }).of('a', 'r', 't');
  for (let n = 0; n < 1_000; n++) counting.finished(exchange);
  const before = await scrape(keeper);
  expect(sampleValue(before.families, 'outrider_requests_total', labels)).toBe(1_000);

  const ended = once(keeper, 'error');
  keeper.postMessage('crash');
  await ended;
  for (let n = 0; n < 500; n++) counting.finished(exchange);
  keeper = startKeeper(meter);
  const after = await scrape(keeper);
  expect(sampleValue(after.families, 'outrider_requests_total', labels)).toBe(1_500);
  expect(sampleValue(after.families, 'outrider_request_duration_seconds_count', { rule: 'r', target: 't' })).toBe(
    1_500,
  );
});

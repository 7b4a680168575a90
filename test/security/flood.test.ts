import { Agent, request } from 'undici';
import { cleanUp } from '../helpers/cleanup.ts';
import { answering, startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { waitFor } from '../helpers/wait.ts';

const FLOOD = 4000;
const KEPT_A_SECOND = 50;

test('S13 a flood of failures is kept as far as capture.rate says, counted to the last, and others are served', async () => {
  const [broken, healthy] = [await startTarget(answering(503, 'no')), await startTarget(answering(200, 'yes'))];
  const outrider = await startOutrider({
    outrider: { capture: { rate: `${KEPT_A_SECOND}/s` }, spool: { size: '4Mi' }, log: { access: 'none' } },
    routes: {
      targets: { broken: broken.url, healthy: healthy.url },
      rules: [{ name: 'broken', match: { paths: ['/broken'] }, target: 'broken' }],
      default: 'healthy',
    },
  });
  const dispatcher = new Agent({ connections: 50 });
  cleanUp(() => dispatcher.destroy());
  const ask = async (path: string) => {
    const { statusCode, headers, body } = await request(`${outrider.url}${path}`, { dispatcher });
    await body.dump();
    return { statusCode, headers };
  };
  const startedAt = performance.now();
  const flood = Promise.all(Array.from({ length: FLOOD }, () => ask('/broken')));
  const canaries: number[] = [];
  const canary = new Agent({ connections: 1 });
  cleanUp(() => canary.destroy());
  let running = true;
  void flood.finally(() => {
    running = false;
  });
  while (running) {
    const from = performance.now();
    const { statusCode, body } = await request(`${outrider.url}/ok`, { dispatcher: canary });
    await body.dump();
    expect(statusCode).toBe(200);
    canaries.push(performance.now() - from);
  }
  const answers = await flood;
  const seconds = (performance.now() - startedAt) / 1000;
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([503]));
  const kept = answers.filter(({ headers }) => headers['outrider-record'] !== undefined).length;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThanOrEqual(KEPT_A_SECOND * (seconds + 2));
  const metrics = await outrider.metrics();
  await waitFor(
    async () => (await outrider.metrics()).value('lost_records_total', { reason: 'rate' }) === FLOOD - kept,
    {
      what: 'every loss to be counted',
    },
  );
  expect(metrics.value('spool_bytes')).toBeLessThanOrEqual(metrics.value('spool_limit_bytes'));
  canaries.sort((a, b) => a - b);
  expect(canaries.length).toBeGreaterThan(5);
  // Fifty others ask for the same at once, on a shared machine; without the limit each waits for the disk.
  expect(canaries[Math.floor(canaries.length / 2)]).toBeLessThan(250);
});

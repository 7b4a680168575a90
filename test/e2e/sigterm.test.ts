/** SIGTERM with work under way: all that was promised is on disk, and what has not been mirrored is, after the restart. */
import { describeWithKafka, startKafka, topicName } from '../helpers/kafka.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { readKeys } from './kcat.ts';
import { routesWithOneDown } from './live.ts';
import { runLoad } from './load.ts';

const CALLERS = 32;
const REQUEST = 'POST /down HTTP/1.1\r\nHost: app\r\nContent-Length: 5\r\n\r\norder';
const GRACE_MS = 8000;

/** Callers that go on until the process is gone; ids as they were given. */
function failUntilGone(outrider: Outrider): { readonly ids: string[]; readonly gone: Promise<void> } {
  const ids: string[] = [];
  const gone = runLoad({
    port: outrider.port,
    connections: CALLERS,
    perConnection: 50,
    request: () => REQUEST,
    answered: (_, { header }) => {
      const id = header('outrider-record');
      if (id !== undefined) ids.push(id);
    },
    broken: () => undefined,
  });
  return { ids, gone };
}

async function endUnderLoad(mode: 'drain' | 'native', records: number) {
  const kafka = { brokers: [`127.0.0.1:${await closedPort()}`], topic: topicName() };
  const routes = await routesWithOneDown();
  const settings = { shutdown: { mode, max: '2s' }, log: { access: 'none' } };
  const outrider = await startOutrider({
    outrider: { ...settings, kafka },
    routes,
    checkLeaks: false,
    stopMs: GRACE_MS,
  });
  const { ids, gone } = failUntilGone(outrider);
  await waitFor(() => ids.length > records, { what: `${records} records`, timeoutMs: 60_000 });
  // In the middle of commits; stop() throws when it does not end by itself, with code 0, in time.
  await outrider.stop();
  await gone;
  return { outrider, ids, settings, topic: kafka.topic };
}

test.each(['drain', 'native'] as const)(
  'SIGTERM (%s) under failing load: it ends in time, every id is on disk, and the log tells how many still wait',
  async (mode) => {
    const { outrider, ids } = await endUnderLoad(mode, 1000);
    const told = outrider.logs.find(({ msg }) => msg.includes('records still wait for Kafka'));
    expect(Number(told?.records)).toBeGreaterThanOrEqual(ids.length);
    await outrider.start();
    const kept = new Set((await outrider.records()).map(({ id }) => id));
    expect(ids.filter((id) => !kept.has(id))).toEqual([]);
    expect((await outrider.metrics()).value('ledger_difference')).toBe(0);
  },
  120_000,
);

describeWithKafka('what had not been mirrored by the SIGTERM', { control: false }, () => {
  test('is mirrored after the restart, 10,000 records of them, each id in the topic', async () => {
    const { outrider, ids, settings, topic } = await endUnderLoad('drain', 10_000);
    const { brokers } = await startKafka({ topics: [topic], shared: false });
    outrider.editConfig({ ...settings, kafka: { brokers, topic } });
    await outrider.start();
    const pending = async (): Promise<boolean> => (await outrider.metrics()).value('mirror_pending_records') === 0;
    await waitFor(pending, { what: 'all to be mirrored', timeoutMs: 60_000 });
    const keys = new Set(await readKeys(brokers, topic));
    expect(ids.filter((id) => !keys.has(id))).toEqual([]);
  }, 240_000);
});

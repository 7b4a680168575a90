import { join } from 'node:path';
import { build } from '../../scripts/build.mjs';
import { describeWithKafka, type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { cpuMilliseconds, establishedTo } from '../helpers/process-facts.ts';
import { waitFor } from '../helpers/wait.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Of a core. */
const BUDGET = 0.002;
const WINDOW_MS = 4_000;
const WINDOWS = 5;

/** Share of a core in the quietest of some windows: what others do to the machine's caches is not our CPU. */
async function idleShare(pid: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let window = 0; window < WINDOWS && least >= BUDGET; window += 1) {
    const began = { at: performance.now(), cpu: cpuMilliseconds(pid) };
    await waitFor(() => performance.now() - began.at >= WINDOW_MS, { what: 'the window', everyMs: 200 });
    least = Math.min(least, (cpuMilliseconds(pid) - began.cpu) / (performance.now() - began.at));
  }
  return least;
}

describeWithKafka('Outrider with a Kafka configured that has nothing to do', { control: true }, () => {
  let kafka: KafkaForTest;
  beforeAll(async () => {
    // As it is shipped: from the sources it is the same, after a longer start.
    build(ROOT);
    kafka = await startKafka();
  }, 120_000);

  test('uses less than 0.2 % of a core, connected and not, and is alive afterwards', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const outrider = await startOutrider({
      entry: join(ROOT, 'dist/outrider.js'),
      outrider: { kafka: { brokers: kafka.brokers, topic } },
      routes: { targets: { down: `http://127.0.0.1:${await closedPort()}` }, default: 'down' },
    });
    const port = Number(kafka.brokers[0]?.split(':')[1]);
    const fail = async (inTopic: number): Promise<void> => {
      await fetch(outrider.url, { method: 'POST', body: 'x', headers: { connection: 'close' } });
      const isThere = async (): Promise<boolean> => (await kafka.count(topic)) === inTopic;
      await waitFor(isThere, { what: `record ${inTopic} in the topic`, timeoutMs: 30_000 });
    };
    await fail(1);
    // What the start and the first send leave to the compiler and the collector is not idling.
    await waitFor(() => outrider.logs.some(({ msg }) => msg.includes('use 3 replicas')), {
      what: 'a look at the topic',
    });
    const connected = await idleShare(outrider.pid);
    expect(establishedTo(outrider.pid, port)).toBeGreaterThan(0);
    await kafka.stop();
    await waitFor(() => establishedTo(outrider.pid, port) === 0, { what: 'the connections to be gone' });
    const disconnected = await idleShare(outrider.pid);
    process.stderr.write(
      `idle: ${(connected * 100).toFixed(3)} % of a core connected to Kafka, ${(disconnected * 100).toFixed(3)} % not\n`,
    );
    expect(connected).toBeLessThan(BUDGET);
    expect(disconnected).toBeLessThan(BUDGET);
    await kafka.restart();
    await fail(2);
    expect(outrider.logs.filter(({ msg }) => msg.includes('takes no records'))).toEqual([]);
  }, 120_000);
});

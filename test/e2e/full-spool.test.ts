import { describeWithKafka, startKafka, topicName } from '../helpers/kafka.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { readKeys } from './kcat.ts';
import { runLoad } from './load.ts';

/** `npm run test:full` sets the size that is promised. */
const FAILURES = Number(process.env.OUTRIDER_TEST_FAILURES ?? 40_000);
const CONNECTIONS = 64;
const SPOOL_SIZE = '16Mi';
const BODY = JSON.stringify({ order: 4711, note: 'x'.repeat(200) });
const REQUEST = [
  'POST /orders HTTP/1.1',
  'Host: app',
  'Content-Type: application/json',
  `Content-Length: ${BODY.length}`,
  '',
  BODY,
].join('\r\n');

interface Outcome {
  readonly ids: Set<string>;
  /** Answers without an id, by what they said. */
  readonly refused: Map<string, number>;
  readonly seconds: number;
}

async function fail(outrider: Outrider, many: number): Promise<Outcome> {
  const ids = new Set<string>();
  const refused = new Map<string, number>();
  const began = performance.now();
  await runLoad({
    port: outrider.port,
    connections: CONNECTIONS,
    request: (n) => (n < many ? REQUEST : null),
    answered: (_n, answer) => {
      const id = answer.header('outrider-record');
      if (id !== undefined && answer.header('outrider-capture') === undefined) {
        ids.add(id);
        return;
      }
      const said = `${answer.status} outrider-capture: ${answer.header('outrider-capture')}`;
      refused.set(said, (refused.get(said) ?? 0) + 1);
    },
  });
  return { ids, refused, seconds: (performance.now() - began) / 1000 };
}

describeWithKafka('a spool much smaller than what goes through it', { control: false }, () => {
  test(`${FAILURES} failures through ${SPOOL_SIZE} are all kept and all in the topic`, async () => {
    const topic = topicName();
    const kafka = await startKafka({ topics: [topic], shared: false });
    const outrider = await startOutrider({
      outrider: {
        kafka: { brokers: kafka.brokers, topic },
        spool: { size: SPOOL_SIZE },
        log: { access: 'none' },
      },
      routes: { targets: { down: `http://127.0.0.1:${await closedPort()}` }, default: 'down' },
    });
    const { ids, refused, seconds } = await fail(outrider, FAILURES);
    const rate = Math.round(FAILURES / seconds);
    expect([...refused]).toEqual([]);
    expect(ids.size).toBe(FAILURES);
    const pending = async (): Promise<number> => (await outrider.metrics()).value('mirror_pending_records');
    const left = await pending();
    await waitFor(async () => (await pending()) === 0, { what: 'all in the topic', timeoutMs: 120_000 });
    const keys = await readKeys(kafka.brokers, topic);
    const inTopic = new Set(keys);
    process.stderr.write(
      `full spool: ${FAILURES} failures in ${seconds.toFixed(1)} s (${rate}/s), 0 refused, ` +
        `${left} waited at the end; ${keys.length} records of ${inTopic.size} ids in the topic\n`,
    );
    expect([...ids].filter((id) => !inTopic.has(id))).toEqual([]);
    expect(inTopic.size).toBe(FAILURES);
    const metrics = await outrider.metrics();
    expect(metrics.value('ledger_difference')).toBe(0);
    expect(metrics.value('spool_bytes')).toBeLessThanOrEqual(16 * 1024 * 1024);
  }, 400_000);
});

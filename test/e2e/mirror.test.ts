import { describeWithKafka, type KafkaForTest, type ReadRecord, startKafka, topicName } from '../helpers/kafka.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { endOffset } from './kcat.ts';
import { runLoad } from './load.ts';
import { mistakesInRecord } from './record-shape.ts';

const FAILURES = 1000;
/** So that the way to Kafka takes several sends. */
const PADDING = 'x'.repeat(4000);
const DRAIN_MS = 60_000;

let kafka: KafkaForTest;

async function startMirroring(topic: string): Promise<Outrider> {
  return startOutrider({
    outrider: { kafka: { brokers: kafka.brokers, topic } },
    routes: { targets: { down: `http://127.0.0.1:${await closedPort()}` }, default: 'down' },
  });
}

/** One after another, so that their order is known; numbered from `first`. Gives their ids. */
async function fail(outrider: Outrider, many: number, first = 0): Promise<string[]> {
  const ids: string[] = [];
  await runLoad({
    port: outrider.port,
    connections: 1,
    request: (n) => {
      if (n === many) return null;
      const body = JSON.stringify({ order: first + n, padding: PADDING });
      const head = `POST /orders?n=${first + n} HTTP/1.1\r\nHost: app\r\nContent-Type: application/json\r\n`;
      return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    },
    answered: (n, answer) => ids.push(answer.header('outrider-record') ?? `none for ${n}: ${answer.statusLine}`),
  });
  return ids;
}

/** In the order in which they came first. */
function withoutRepeats(records: readonly ReadRecord[]): Map<string, ReadRecord> {
  const first = new Map<string, ReadRecord>();
  for (const record of records) {
    const id = record.headers['outrider-record-id'] ?? '';
    if (!first.has(id)) first.set(id, record);
  }
  return first;
}

function expectRecords(records: readonly ReadRecord[], ids: readonly string[]): void {
  const first = withoutRepeats(records);
  expect([...first.keys()]).toEqual(ids);
  for (const { partition, key, value, headers } of records) {
    expect(mistakesInRecord(value)).toEqual([]);
    const record = JSON.parse(value);
    const n = ids.indexOf(record.id);
    expect(record).toMatchObject({
      method: 'POST',
      uri: `/orders?n=${n}`,
      reason: 'connect',
      body_bytes: Buffer.byteLength(record.body),
    });
    expect(JSON.parse(record.body).order).toBe(n);
    expect({ partition, key, headers }).toEqual({
      partition: 0,
      key: record.id,
      headers: {
        'outrider-record-id': record.id,
        'outrider-schema': '1',
        'outrider-reason': 'connect',
        'content-type': 'application/json',
      },
    });
  }
}

const pending = async (outrider: Outrider): Promise<number> =>
  (await outrider.metrics()).value('outrider_mirror_pending_records');

const drained = (outrider: Outrider): Promise<unknown> =>
  waitFor(async () => (await pending(outrider)) === 0, { what: 'nothing to wait for Kafka', timeoutMs: DRAIN_MS });

describeWithKafka('the mirror', { control: true }, () => {
  beforeAll(async () => {
    kafka = await startKafka();
  }, 120_000);

  test('1,000 failures while the broker is away are 1,000 records in their order when it is back', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const outrider = await startMirroring(topic);
    await kafka.stop();
    const ids = await fail(outrider, FAILURES);
    expect(await pending(outrider)).toBe(FAILURES);
    await kafka.restart();
    await drained(outrider);
    const records = await kafka.readAll(topic);
    expect(records).toHaveLength(FAILURES);
    expectRecords(records, ids);
  }, 120_000);

  test('a kill -9 while the broker is away, and one while records flow, change neither their number nor their order', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const outrider = await startMirroring(topic);
    await kafka.stop();
    const before = await fail(outrider, FAILURES / 2);
    await outrider.restart();
    const ids = [...before, ...(await fail(outrider, FAILURES / 2, FAILURES / 2))];
    await kafka.restart();
    const flows = async (): Promise<boolean> => (await endOffset(kafka.brokers, topic)) > 0;
    await waitFor(flows, { what: 'the first records in the topic', timeoutMs: DRAIN_MS, everyMs: 1 });
    const inTopic = await endOffset(kafka.brokers, topic);
    await outrider.restart();
    await drained(outrider);
    const records = await kafka.readAll(topic);
    process.stderr.write(
      `mirror: killed with ${inTopic} of ${FAILURES} in the topic; ${records.length - FAILURES} repeats\n`,
    );
    expectRecords(records, ids);
  }, 120_000);
});

describeWithKafka('the mirror to Kafka 3.9', { control: true }, () => {
  beforeAll(async () => {
    kafka = await startKafka({ version: '3.9.2', started: false });
  }, 120_000);

  test('a broker that is away from the start keeps nobody from being ready, and gets all in order when it comes', async () => {
    const topic = topicName();
    const outrider = await startMirroring(topic);
    const ids = await fail(outrider, FAILURES / 2);
    const ready = await fetch(`${outrider.metricsUrl}/readyz?verbose`, { headers: { connection: 'close' } });
    expect(ready.status).toBe(200);
    expect(await ready.text()).toContain(`mirror: ${FAILURES / 2} records wait for Kafka`);
    await kafka.restart();
    await kafka.createTopic(topic);
    await drained(outrider);
    expectRecords(await kafka.readAll(topic), ids);
  }, 120_000);
});

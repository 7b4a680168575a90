import { readFile } from 'node:fs/promises';
import { setImmediate as tick } from 'node:timers/promises';
import { createKafkaProducer, type KafkaTiming } from '../../src/record/kafka-producer.ts';
import type { KafkaSettings } from '../../src/record/kafka-security.ts';
import { createMirror, type Mirror, messageFor } from '../../src/record/mirror.ts';
import { openSockets } from '../contract/fixtures.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { describeWithKafka, type KafkaForTest, type ReadRecord, startKafka, topicName } from '../helpers/kafka.ts';
import { type KafkaProxy, startKafkaProxy } from '../helpers/kafka-proxy.ts';
import { waitFor } from '../helpers/wait.ts';
import { FakeRelaySource } from './fake-relay-source.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { expectDelivered, startSpoolMirror } from './mirror-fixtures.ts';

const QUICK: KafkaTiming = { connect: 500, ack: 1_000, request: 1_500, deadline: 4_000, metadata: 300_000 };

describeWithKafka('the mirror to a real Kafka', { control: true }, () => {
  let kafka: KafkaForTest;
  let proxy: KafkaProxy;
  beforeAll(async () => {
    proxy = await startKafkaProxy({ shared: true });
    kafka = await startKafka({
      started: false,
      proxy: proxy.address,
      properties: { 'connections.max.idle.ms': '1000' },
    });
    proxy.forwardTo(kafka.listeners.PROXIED ?? '');
  }, 120_000);

  const setUp = (changes: Partial<KafkaSettings> = {}, source = new FakeRelaySource()) => {
    const settings = kafkaSettings({ brokers: kafka.brokers, topic: topicName(), ...changes });
    const lines: string[] = [];
    const start = (): Mirror => {
      const readText = (path: string): Promise<string> => readFile(path, 'utf8');
      const mirror = createMirror({
        source,
        producer: createKafkaProducer(settings, { readFile: readText, log: () => undefined }, QUICK),
        settings,
        toMessage: (record, body) => {
          const text = body === null ? '' : Buffer.from(body).toString();
          const value = { schema: 1, id: record.id, headers: {}, body: text, body_omitted: body === null };
          return messageFor(JSON.stringify(value), record, settings);
        },
        onState: () => undefined,
        log: (level, message) => level !== 'debug' && lines.push(message),
      });
      cleanUp(() => mirror.close({ deadlineMs: 500 }));
      return mirror;
    };
    const drained = () => waitFor(() => source.allDone, { what: 'all records to be marked', timeoutMs: 30_000 });
    return { settings, source, lines, start, drained };
  };

  test('records that came before Kafka did are sent when it comes, 1,000 in order', async () => {
    const { settings, source, lines, start, drained } = setUp();
    const mirror = start();
    source.add('first');
    mirror.wake();
    await waitFor(() => !mirror.stats().up, { what: 'the mirror to see that Kafka is away' });
    for (let count = 2; count <= 1_000; count += 1) source.add(`body ${count}`);
    mirror.wake();
    await kafka.restart();
    await kafka.createTopic(settings.topic);
    await drained();
    expect(mirror.stats()).toMatchObject({ up: true, mirrored: 1_000, parked: 0 });
    const read = await kafka.readAll(settings.topic);
    expect(read.map(({ key }) => key)).toEqual(source.records.map(({ record }) => record.id));
    expect(read[999]).toMatchObject({
      value: expect.stringContaining('"body":"body 1000"'),
      headers: {
        'outrider-record-id': source.records[999]?.record.id,
        'outrider-schema': '1',
        'outrider-reason': 'connect',
        'content-type': 'application/json',
      },
    });
    // Of the trouble that it began with; that the topic was not there yet is told as well, if it was seen.
    expect(lines.filter((line) => line.includes('takes no records') && line.includes('ECONNREFUSED'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('takes records again'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('use 3 replicas'))).toHaveLength(1);
  }, 60_000);

  test('stopped, 1,000 records, the mirror made anew, started: 1,000 in order', async () => {
    const { settings, source, start, drained } = setUp();
    await kafka.createTopic(settings.topic);
    const before = start();
    source.add('0');
    before.wake();
    await drained();
    await kafka.stop();
    for (let count = 1; count <= 1_000; count += 1) source.add(String(count));
    before.wake();
    await waitFor(() => !before.stats().up, { what: 'the mirror to see that Kafka is away' });
    await before.close({ deadlineMs: 1_000 });
    start();
    await kafka.restart();
    await drained();
    expect(ids(await kafka.readAll(settings.topic))).toEqual(source.records.map(({ record }) => record.id));
  }, 60_000);

  test('a broker that hangs in the middle costs duplicates, never a record or the order', async () => {
    const { settings, source, start, drained } = setUp();
    await kafka.createTopic(settings.topic);
    for (let count = 0; count < 600; count += 1) source.add('x'.repeat(2_000));
    const mirror = start();
    await waitFor(() => mirror.stats().mirrored >= 100, { what: 'the first batch', everyMs: 1 });
    kafka.pause();
    cleanUp(() => kafka.resume());
    await waitFor(() => !mirror.stats().up, { what: 'the mirror to see that Kafka hangs' });
    kafka.resume();
    await drained();
    const read = ids(await kafka.readAll(settings.topic));
    expect([...new Set(read)]).toEqual(source.records.map(({ record }) => record.id));
    // Only what had no answer is written twice.
    expect(read.length).toBeLessThanOrEqual(600 + mirror.stats().failed);
  }, 60_000);

  test('close keeps its deadline while the broker hangs, and the record stays waiting', async () => {
    const { settings, source, start, drained } = setUp();
    await kafka.createTopic(settings.topic);
    source.add('first');
    const mirror = start();
    await drained();
    kafka.pause();
    cleanUp(() => kafka.resume());
    source.add('second');
    mirror.wake();
    const began = performance.now();
    await mirror.close({ deadlineMs: 400 });
    expect(performance.now() - began).toBeLessThan(600);
    expect(source.waiting(0, 10).map(({ seq }) => seq)).toEqual([2]);
  });

  test("records over maxRecordBytes or over the topic's limit arrive without their bodies, and the rest whole", async () => {
    const { settings, source, start, drained } = setUp({ maxRecordBytes: 50_000, compression: 'none' });
    await kafka.createTopic(settings.topic, { config: { 'max.message.bytes': '20000' } });
    const sizes = [10, 60_000, 15_000, 15_000, 30_000, 10];
    for (const size of sizes) source.add('x'.repeat(size));
    start();
    await drained();
    const read = (await kafka.readAll(settings.topic)).map(({ value }) => JSON.parse(value) as Mirrored);
    expect(read.map(({ body, body_omitted }) => [body.length, body_omitted])).toEqual(
      sizes.map((size) => (size > 20_000 ? [0, true] : [size, false])),
    );
    expect([...source.withoutBody]).toEqual([2, 5]);
    expect(source.parked.size).toBe(0);
  });

  test('a topic that is created later gets its records', async () => {
    const { settings, source, start, drained } = setUp();
    for (let count = 0; count < 10; count += 1) source.add('{}');
    const mirror = start();
    await waitFor(() => mirror.stats().lastError.includes('UNKNOWN_TOPIC_OR_PARTITION'), { what: 'the refusal' });
    await kafka.createTopic(settings.topic);
    await drained();
    expect(ids(await kafka.readAll(settings.topic))).toEqual(source.records.map(({ record }) => record.id));
  });

  test('an answer that is lost after the append costs a repeat under the same ids, not a record', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const run = startSpoolMirror({ topic, brokers: [proxy.address] });
    run.keep(10);
    await run.drained();
    proxy.loseNextAnswer();
    run.keep(20);
    await run.drained();
    expect(proxy.lost).toBe(1);
    const read = await kafka.readAll(topic);
    expectDelivered(run, read);
    expect(ids(read).filter((id, at) => ids(read).indexOf(id) !== at)).toEqual(run.ids.slice(10));
  });

  test('a broker that closes what is idle costs nothing: the next record flows at once, and nobody is told', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const before = openSockets();
    const run = startSpoolMirror({ topic, brokers: kafka.brokers });
    for (let round = 1; round <= 2; round += 1) {
      run.keep(5);
      await run.drained();
      await waitFor(() => openSockets() <= before, { what: 'the broker to close an idle connection' });
    }
    run.keep(5);
    await run.drained();
    const read = await kafka.readAll(topic);
    expectDelivered(run, read);
    expect(read).toHaveLength(15);
    expect(run.lines.filter((line) => !line.includes('use 3 replicas'))).toEqual([]);
  });

  test('a commit on the same thread waits less than 20 ms for the relay', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const run = startSpoolMirror({ topic, brokers: kafka.brokers });
    // Until all is compiled.
    run.keep(2_000, 1_024);
    await run.drained();
    run.keep(5_000, 1_024);
    // CPU of this thread, for what others take of the machine is not the relay's.
    let longest = 0;
    let before = process.threadCpuUsage();
    while (run.mirror.stats().mirrored < run.ids.length) {
      await tick();
      const used = process.threadCpuUsage(before);
      before = process.threadCpuUsage();
      longest = Math.max(longest, (used.user + used.system) / 1_000);
    }
    process.stderr.write(`mirror: the longest turn took ${longest.toFixed(1)} ms of CPU\n`);
    expect(longest).toBeLessThan(20);
  });
});

interface Mirrored {
  readonly body: string;
  readonly body_omitted: boolean;
}

function ids(records: readonly ReadRecord[]): (string | undefined)[] {
  return records.map(({ headers }) => headers['outrider-record-id']);
}

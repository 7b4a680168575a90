/** The contract where nothing is wrong with the broker. */
import { topicName } from '../helpers/kafka.ts';
import { waitFor } from '../helpers/wait.ts';
import { messages, openSockets, type Setting } from './fixtures.ts';

export function describeSends({ kafka, start, newTopic }: Setting): void {
  test.each(['none', 'gzip'] as const)(
    'keys, values, headers and order arrive as sent (compression %s)',
    async (compression) => {
      const topic = await newTopic();
      const producer = start({ compression });
      const sent = [...messages(99), { key: null, value: '{"ü":"\\n"}', headers: {} }];
      expect(await producer.send({ topic, messages: sent })).toEqual({ kind: 'acked' });
      const read = await kafka().readAll(topic);
      expect(read.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(
        sent.map(({ key, value, headers }) => ({ key, value: String(value), headers })),
      );
    },
  );

  test("a batch over the topic's limit is refused as MESSAGE_TOO_LARGE and the next one is taken", async () => {
    const topic = await newTopic({ 'max.message.bytes': '2000' });
    const producer = start({ compression: 'none' });
    const refused = await producer.send({ topic, messages: messages(3, 1_000) });
    expect(refused).toMatchObject({ kind: 'refused', code: 'MESSAGE_TOO_LARGE' });
    expect(await producer.send({ topic, messages: messages(1, 1_000) })).toEqual({ kind: 'acked' });
  });

  test('a record without a key is refused as INVALID_RECORD by a compacted topic', async () => {
    const topic = await newTopic({ 'cleanup.policy': 'compact' });
    const batch = { topic, messages: [{ key: null, value: 'x', headers: {} }] };
    expect(await start().send(batch)).toMatchObject({ kind: 'refused', code: 'INVALID_RECORD' });
  });

  test('an absent topic is to be tried again, is not created, and works once it is there', async () => {
    const topic = topicName();
    const producer = start();
    // A client that asks for its creation gets the same answer the first time.
    for (let time = 1; time <= 5; time += 1) {
      expect(await producer.send({ topic, messages: messages(1) })).toMatchObject({
        kind: 'retry',
        message: expect.stringContaining('UNKNOWN_TOPIC_OR_PARTITION'),
      });
    }
    await kafka().createTopic(topic);
    const sent = await waitFor(async () => (await producer.send({ topic, messages: messages(1) })).kind === 'acked', {
      what: 'a send to the new topic',
    });
    expect(sent).toBe(true);
  });

  test('one producer serves one topic after the other', async () => {
    const [first, second] = [await newTopic(), await newTopic()];
    const producer = start();
    expect(await producer.send({ topic: first, messages: messages(1) })).toEqual({ kind: 'acked' });
    expect(await producer.send({ topic: second, messages: messages(1) })).toEqual({ kind: 'acked' });
  });

  test('topicInfo tells replicas and min.insync.replicas, and of a topic that is not there that it is not', async () => {
    const topic = await newTopic({ 'min.insync.replicas': '2' });
    expect(await start({ topic }).topicInfo()).toEqual({ kind: 'topic', replicas: 1, minInsyncReplicas: 2 });
    expect(await start({ topic: topicName() }).topicInfo()).toMatchObject({ kind: 'retry', trouble: 'topic' });
  });

  test('idle closes the connections and the next send opens new ones', async () => {
    const topic = await newTopic();
    const before = openSockets();
    const producer = start();
    await producer.send({ topic, messages: messages(1) });
    expect(openSockets()).toBeGreaterThan(before);
    await producer.idle();
    await waitFor(() => openSockets() === before, { what: 'the connections to be closed' });
    expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
  });

  test('a second send while one is pending is a mistake of the caller', async () => {
    const topic = await newTopic();
    const producer = start();
    const first = producer.send({ topic, messages: messages(1) });
    await expect(producer.send({ topic, messages: messages(1) })).rejects.toThrow('another send is pending');
    expect(await first).toEqual({ kind: 'acked' });
  });

  test('a closed producer sends nothing and closes again without harm', async () => {
    const producer = start();
    await producer.close();
    await producer.close();
    expect(await producer.send({ topic: await newTopic(), messages: messages(1) })).toMatchObject({
      kind: 'retry',
    });
    expect(await producer.topicInfo()).toMatchObject({ kind: 'retry' });
  });

  test('records of one key share a partition, in their order', async () => {
    const topic = await newTopic({}, 3);
    const producer = start();
    const keys = Array.from({ length: 12 }, (_, at) => `key-${at}`);
    for (let round = 0; round < 5; round += 1) {
      const batch = keys.map((key) => ({ key, value: String(round), headers: {} }));
      // A new partition may not have its leader yet: the others have their part then, and get it once more.
      const isAcked = async (): Promise<boolean> => (await producer.send({ topic, messages: batch })).kind === 'acked';
      await waitFor(isAcked, { what: 'a send to three partitions' });
    }
    const read = await kafka().readAll(topic);
    expect(new Set(read.map(({ partition }) => partition)).size).toBe(3);
    for (const key of keys) {
      const ofKey = read.filter((record) => record.key === key);
      expect(new Set(ofKey.map(({ partition }) => partition)).size).toBe(1);
      expect([...new Set(ofKey.map(({ value }) => value))]).toEqual(['0', '1', '2', '3', '4']);
    }
  });
}

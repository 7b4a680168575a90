/** The contract on three brokers. */
import { cleanUp } from '../helpers/cleanup.ts';
import { describeWithKafka, type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';
import { waitFor } from '../helpers/wait.ts';
import { kafkaSettings } from '../record/kafka-settings.ts';
import { type CreateProducer, messages, QUICK } from './fixtures.ts';

export function describeProducerOnCluster(name: string, create: CreateProducer): void {
  describeWithKafka(`the producer contract on three brokers: ${name}`, { control: true }, () => {
    let kafka: KafkaForTest;
    beforeAll(async () => {
      kafka = await startKafka({ nodes: 3 });
    }, 120_000);

    const setUp = async (minInsync: number) => {
      const topic = topicName();
      await kafka.createTopic(topic, { replicas: 3, config: { 'min.insync.replicas': String(minInsync) } });
      const leader = await kafka.leaderOf(topic);
      // The leader comes first in the list.
      const brokers = [...kafka.brokers.slice(leader), ...kafka.brokers.slice(0, leader)];
      const producer = create(kafkaSettings({ brokers, topic }), { readFile: () => '', log: () => undefined }, QUICK);
      cleanUp(() => producer.close());
      const send = () => producer.send({ topic, messages: messages(1) });
      const isAcked = async (): Promise<boolean> => (await send()).kind === 'acked';
      await waitFor(isAcked, { what: 'a first send', timeoutMs: 20_000 });
      return { leader, producer, send, isAcked };
    };
    const hang = (index: number): void => {
      kafka.nodes[index % 3]?.signal('SIGSTOP');
      cleanUp(() => kafka.nodes[index % 3]?.signal('SIGCONT'));
    };

    test('a record is acknowledged only when every replica that must have it has it', async () => {
      const { leader, producer, send, isAcked } = await setUp(3);
      expect(await producer.topicInfo()).toEqual({ kind: 'topic', replicas: 3, minInsyncReplicas: 3 });
      hang(leader + 1);
      expect(await send()).toMatchObject({ kind: 'retry' });
      kafka.resume();
      await waitFor(isAcked, { what: 'an acknowledgement by all three', timeoutMs: 20_000 });
    }, 60_000);

    test('a leader that hangs, first in the list of brokers, is got round', async () => {
      const { leader, isAcked } = await setUp(2);
      hang(leader);
      await waitFor(isAcked, { what: 'a send through another broker', timeoutMs: 20_000 });
    }, 60_000);

    test.each(['SIGTERM', 'SIGKILL'] as const)(
      'a leader that ends (%s) is followed by another',
      async (signal) => {
        const { leader, isAcked } = await setUp(2);
        await kafka.nodes[leader]?.end(signal);
        cleanUp(() => kafka.restart());
        await waitFor(isAcked, { what: 'a send to the next leader', timeoutMs: 20_000 });
      },
      60_000,
    );
  });
}

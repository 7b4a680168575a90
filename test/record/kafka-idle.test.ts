import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixKafkaIdleLoop } from '../../src/record/kafka-idle-fix.ts';
import { describeWithKafka, type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';

test('the installed kafkajs has the method whose idle loop is stopped', () => {
  expect(fixKafkaIdleLoop()).toBe(true);
  expect(fixKafkaIdleLoop()).toBe(true);
});

describeWithKafka('a connected producer that has nothing to send', { control: false }, () => {
  let kafka: KafkaForTest;
  beforeAll(async () => {
    kafka = await startKafka();
  }, 120_000);

  test('uses less than 1 % of a core, prints nothing, and ends with its process', async () => {
    const topic = topicName();
    await kafka.createTopic(topic);
    const args = [join(import.meta.dirname, 'idle-producer.ts'), kafka.brokers[0] ?? '', topic];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
    const { outcome, share } = JSON.parse(stdout) as { outcome: string; share: number };
    expect(outcome).toBe('acked');
    expect(share).toBeLessThan(0.01);
    expect(stderr).toBe('');
  }, 40_000);
});

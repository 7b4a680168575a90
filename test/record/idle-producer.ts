/** Run as a process of its own: BROKER TOPIC. Sends once, then prints the CPU it uses while it waits, and ends by itself. */
import { setTimeout as wait } from 'node:timers/promises';
import { createKafkaProducer } from '../../src/record/kafka-producer.ts';
import { kafkaSettings } from './kafka-settings.ts';

const [broker = '', topic = ''] = process.argv.slice(2);
const producer = createKafkaProducer(kafkaSettings({ brokers: [broker], topic }), {
  readFile: () => '',
  log: () => undefined,
});
const outcome = await producer.send({ topic, messages: [{ key: null, value: 'x', headers: {} }] });
// What the first send leaves to the collector and the compiler is not idling.
await wait(500);
const began = performance.now();
const before = process.cpuUsage();
await wait(2_500);
const { user, system } = process.cpuUsage(before);
const share = (user + system) / 1_000 / (performance.now() - began);
await producer.close();
process.stdout.write(JSON.stringify({ outcome: outcome.kind, share }));

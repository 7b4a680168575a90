/**
 * What every Kafka client of the mirror must do, shown on real brokers. A second client passes by
 * `describeProducer('its name', createIt)` and `describeProducerOnCluster('its name', createIt)`.
 */
import { readFile } from 'node:fs/promises';
import { type Certificates, makeCertificates } from '../helpers/certificates.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { describeWithKafka, type KafkaForTest, type KafkaOptions, startKafka, topicName } from '../helpers/kafka.ts';
import { type KafkaProxy, startKafkaProxy } from '../helpers/kafka-proxy.ts';
import { kafkaSettings } from '../record/kafka-settings.ts';
import { describeFaults } from './faults.ts';
import { type CreateProducer, PATIENT, type Setting, securedBroker } from './fixtures.ts';
import { describeSecurity } from './security.ts';
import { describeSends } from './sends.ts';

export { describeProducerOnCluster } from './cluster.ts';
export { type CreateProducer, QUICK } from './fixtures.ts';

export function describeProducer(
  name: string,
  create: CreateProducer,
  { version = '4.4.0' }: Pick<KafkaOptions, 'version'> = {},
): void {
  describeWithKafka(`the producer contract: ${name} on Kafka ${version}`, { control: true }, () => {
    let certificates: Certificates;
    let proxy: KafkaProxy;
    let kafka: KafkaForTest;
    let lines: string[] = [];

    beforeAll(async () => {
      certificates = makeCertificates({ shared: true });
      proxy = await startKafkaProxy({ shared: true });
      kafka = await startKafka({ version, ...securedBroker(certificates, proxy.address) });
      proxy.forwardTo(kafka.listeners.PROXIED ?? '');
    }, 120_000);
    beforeEach(() => {
      lines = [];
    });

    const setting: Setting = {
      kafka: () => kafka,
      certificates: () => certificates,
      proxy: () => proxy,
      logged: () => lines.join('\n'),
      start: (changes = {}, timing = PATIENT) => {
        const settings = kafkaSettings({ brokers: kafka.brokers, ...changes });
        const log = (...line: unknown[]): void => void lines.push(JSON.stringify(line));
        const producer = create(settings, { readFile: (path) => readFile(path, 'utf8'), log }, timing);
        cleanUp(() => producer.close());
        return producer;
      },
      newTopic: async (config = {}, partitions = 1) => {
        const topic = topicName();
        await kafka.createTopic(topic, { config, partitions });
        return topic;
      },
    };
    describe('with a broker that works', () => describeSends(setting));
    describe('with TLS and SASL', () => describeSecurity(setting));
    describe('with a broker that fails', () => describeFaults(setting));
  });
}

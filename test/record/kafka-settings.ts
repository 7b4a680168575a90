/** The defaults of `kafka` in the configuration, with the changes of a test. */
import type { KafkaSettings } from '../../src/record/kafka-security.ts';

export function kafkaSettings(changes: Partial<KafkaSettings>): KafkaSettings {
  return {
    brokers: [],
    topic: 'failed-requests',
    key: 'id',
    clientId: 'outrider-test',
    compression: 'gzip',
    maxRecordBytes: 900 * 1024,
    tls: { enabled: false, ca: '', cert: '', key: '' },
    sasl: { mechanism: '', username: '', passwordFile: '' },
    ...changes,
  };
}

/** The way to Kafka. */
import type { Sabotage } from './sabotage.ts';

const MIRROR = 'test/record/mirror.test.ts';
const RELAY = 'src/record/mirror.ts';
const CLUSTER = 'test/record/kafka-producer.test.ts';
const PRODUCER = 'src/record/kafka-producer.ts';

export const MIRROR_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'records are marked before Kafka has acknowledged them',
    file: RELAY,
    find: '    const outcome = await producer.send(',
    replace: '    this.#mark(batch);\n    const outcome = await producer.send(',
    caughtBy: { file: MIRROR, title: 'nothing is marked before the acknowledgement' },
  },
  {
    name: 'a send without a verdict is taken as acknowledged',
    file: RELAY,
    find: "if (outcome.kind === 'acked') return this.#mark(batch);",
    replace: "if (outcome.kind !== 'refused') return this.#mark(batch);",
    caughtBy: { file: MIRROR, title: 'it is tried again' },
  },
  {
    name: 'a record without its body is marked as whole',
    file: RELAY,
    find: 'if (batch.some(({ bodyOmitted }) => bodyOmitted)) source.markMirroredWithoutBody(seqs);',
    replace: 'if (batch.length === 0) source.markMirroredWithoutBody(seqs);',
    caughtBy: { file: MIRROR, title: 'over maxRecordBytes it goes out alone' },
  },
  {
    name: 'the other half of a batch that was refused is forgotten',
    file: RELAY,
    find: '(await this.#deliver(batch.slice(0, half))) && this.#deliver(batch.slice(half))',
    replace: 'await this.#deliver(batch.slice(0, half))',
    caughtBy: { file: MIRROR, title: 'a batch that Kafka calls too large is halved' },
  },
  {
    name: 'a refused topic parks its records',
    file: RELAY,
    find: "outcome.kind === 'retry' || scope === null || scope === 'topic'",
    replace: "outcome.kind === 'retry' || scope === null",
    caughtBy: { file: MIRROR, title: 'TOPIC_AUTHORIZATION_FAILED' },
  },
  {
    name: 'the order is not that of the sequence',
    file: 'src/record/spool-relay.ts',
    find: "WHERE mirror = 'waiting' AND r.seq > ? ORDER BY r.seq LIMIT ?",
    replace: "WHERE mirror = 'waiting' AND r.seq > ? ORDER BY r.seq DESC LIMIT ?",
    caughtBy: { file: 'test/record/spool.test.ts', title: 'gets what waits in sequence' },
  },
  {
    name: 'a record is sent again under another id',
    file: 'src/record/mirror-message.ts',
    find: "'outrider-record-id': kept.id,",
    replace: "'outrider-record-id': `${kept.id}-${performance.now()}`,",
    caughtBy: { file: 'test/record/mirror-message.test.ts', title: 'the headers name the record' },
  },
  {
    name: 'one broker that has it is enough',
    file: PRODUCER,
    find: 'acks: -1,',
    replace: 'acks: 1,',
    caughtBy: { file: CLUSTER, title: 'a record is acknowledged only when every replica' },
  },
  {
    name: 'a client that hangs is used again',
    file: PRODUCER,
    find: "if (outcome.kind === 'retry') this.#discard();",
    replace: '',
    caughtBy: { file: CLUSTER, title: 'a leader that hangs, first in the list of brokers, is got round' },
  },
  {
    name: 'the broker that hangs is asked first again',
    file: PRODUCER,
    find: 'rotate(this.#settings.brokers.map(withPort), this.#clientsFailed)',
    replace: 'rotate(this.#settings.brokers.map(withPort), 0)',
    caughtBy: { file: CLUSTER, title: 'a leader that hangs, first in the list of brokers, is got round' },
  },
];

/**
 * What every Kafka client of the mirror must do, shown on a real broker. A second client passes by
 * `describeProducer('its name', createIt)`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { KafkaProducerDeps, KafkaTiming } from '../../src/record/kafka-producer.ts';
import type { KafkaSettings } from '../../src/record/kafka-security.ts';
import type { Producer, ProducerMessage } from '../../src/record/producer.ts';
import { type Certificates, makeCertificates } from '../helpers/certificates.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { describeWithKafka, type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';
import { closedPort, portOf } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { kafkaSettings } from '../record/kafka-settings.ts';

export type CreateProducer = (settings: KafkaSettings, deps: KafkaProducerDeps, timing: KafkaTiming) => Producer;

/** Short, so that a hung broker costs a test less than two seconds. */
export const QUICK: KafkaTiming = { connect: 300, ack: 600, request: 900, deadline: 2_500 };
/** For a broker that works on a busy machine. */
const PATIENT: KafkaTiming = { connect: 5_000, ack: 8_000, request: 10_000, deadline: 20_000 };

function messages(count: number, size = 10): ProducerMessage[] {
  return Array.from({ length: count }, (_, at) => ({
    key: `key-${at}`,
    value: Buffer.from(`${at}:${'x'.repeat(size)}`),
    headers: { 'outrider-record-id': String(at) },
  }));
}

/** A server that accepts and never answers, as a stopped broker does. */
async function silentBroker(): Promise<string> {
  const server = createServer((socket) => cleanUp(() => void socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => void server.close());
  return `127.0.0.1:${portOf(server)}`;
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

export function describeProducer(name: string, create: CreateProducer): void {
  describeWithKafka(`the producer contract: ${name}`, { control: true }, () => {
    let certificates: Certificates;
    let kafka: KafkaForTest;

    beforeAll(async () => {
      certificates = makeCertificates({ shared: true });
      kafka = await startKafka(securedBroker(certificates));
    }, 120_000);

    const log: KafkaProducerDeps['log'] = () => undefined;
    const start = (changes: Partial<KafkaSettings> = {}, timing = PATIENT): Producer => {
      const settings = kafkaSettings({ brokers: kafka.brokers, ...changes });
      const producer = create(settings, { readFile: (path) => readFile(path, 'utf8'), log }, timing);
      cleanUp(() => producer.close());
      return producer;
    };
    const newTopic = async (config: Readonly<Record<string, string>> = {}): Promise<string> => {
      const topic = topicName();
      await kafka.createTopic(topic, { config });
      return topic;
    };

    describe('with a broker that works', () => {
      test.each(['none', 'gzip'] as const)(
        'keys, values, headers and order arrive as sent (compression %s)',
        async (compression) => {
          const topic = await newTopic();
          const producer = start({ compression });
          const sent = [...messages(99), { key: null, value: '{"ü":"\\n"}', headers: {} }];
          expect(await producer.send({ topic, messages: sent })).toEqual({ kind: 'acked' });
          const read = await kafka.readAll(topic);
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
        await kafka.createTopic(topic);
        const sent = await waitFor(
          async () => (await producer.send({ topic, messages: messages(1) })).kind === 'acked',
          {
            what: 'a send to the new topic',
          },
        );
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
    });

    describe('with TLS and SASL', () => {
      const secured = (
        mechanism: 'plain' | 'scram-sha-512',
        username: string,
        password: string,
      ): Partial<KafkaSettings> => {
        const passwordFile = join(temporaryFolder(), 'password');
        writeFileSync(passwordFile, `${password}\n`);
        return {
          brokers: [kafka.listeners.SASL_SSL ?? ''],
          tls: { enabled: true, ca: certificates.ca, cert: '', key: '' },
          sasl: { mechanism, username, passwordFile },
        };
      };

      test.each([
        ['plain', 'bob', 'bob-secret'],
        ['scram-sha-512', 'carol', 'carol-secret'],
      ] as const)(
        '%s: the password of the file is taken, without its newline',
        async (mechanism, username, password) => {
          const topic = await newTopic();
          const outcome = await start(secured(mechanism, username, password)).send({ topic, messages: messages(1) });
          expect(outcome).toEqual({ kind: 'acked' });
        },
      );

      test('a wrong password is to be tried again, is not told, and a corrected file is taken', async () => {
        const topic = await newTopic();
        const settings = secured('plain', 'bob', 'wr0ng-secret');
        const producer = start(settings);
        const outcome = await producer.send({ topic, messages: messages(1) });
        expect(outcome).toMatchObject({ kind: 'retry', message: expect.stringMatching(/authentication/i) });
        expect(JSON.stringify(outcome)).not.toContain('wr0ng-secret');
        writeFileSync(settings.sasl?.passwordFile ?? '', 'bob-secret');
        expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
      });

      test('a user without the right to write is refused', async () => {
        const producer = start(secured('plain', 'eve', 'eve-secret'));
        const outcome = await producer.send({ topic: await newTopic(), messages: messages(1) });
        expect(outcome).toMatchObject({ kind: 'refused', code: 'TOPIC_AUTHORIZATION_FAILED' });
      });

      test('a broker of another CA is not trusted', async () => {
        const other = makeCertificates();
        const settings = {
          ...secured('plain', 'bob', 'bob-secret'),
          tls: { enabled: true, ca: other.ca, cert: '', key: '' },
        };
        const outcome = await start(settings).send({ topic: await newTopic(), messages: messages(1) });
        expect(outcome).toMatchObject({ kind: 'retry', message: expect.stringContaining('certificate') });
      });

      test('a password file that is not there is told by name', async () => {
        const settings = {
          ...secured('plain', 'bob', 'x'),
          sasl: { mechanism: 'plain', username: 'bob', passwordFile: '/no/such' },
        } as const;
        const outcome = await start(settings).send({ topic: await newTopic(), messages: messages(1) });
        expect(outcome).toMatchObject({ kind: 'retry', message: expect.stringContaining('/no/such') });
      });
    });

    describe('with a broker that fails', () => {
      test('a refused connection is to be tried again, at once', async () => {
        const producer = start({ brokers: [`127.0.0.1:${await closedPort()}`] });
        const outcome = await producer.send({ topic: 'any', messages: messages(1) });
        expect(outcome).toMatchObject({ kind: 'retry', message: expect.stringContaining('ECONNREFUSED') });
      });

      test('after a broker that accepts and never answers, the next in the list is asked', async () => {
        const topic = await newTopic();
        const producer = start({ brokers: [await silentBroker(), ...kafka.brokers] }, QUICK);
        const began = performance.now();
        expect(await producer.send({ topic, messages: messages(1) })).toMatchObject({ kind: 'retry' });
        expect(performance.now() - began).toBeLessThan(QUICK.deadline);
        const acked = async (): Promise<boolean> =>
          (await producer.send({ topic, messages: messages(1) })).kind === 'acked';
        expect(await waitFor(acked, { what: 'a send through the second broker' })).toBe(true);
      });

      test('a send to a broker that hangs settles within the deadline, and close cuts one at once', async () => {
        const topic = await newTopic();
        const producer = start({}, QUICK);
        expect(
          await waitFor(async () => (await producer.send({ topic, messages: messages(1) })).kind === 'acked', {
            what: 'a first send',
          }),
        ).toBe(true);
        kafka.pause();
        cleanUp(() => kafka.resume());
        const began = performance.now();
        expect(await producer.send({ topic, messages: messages(1) })).toMatchObject({ kind: 'retry' });
        expect(performance.now() - began).toBeLessThan(QUICK.deadline + 500);
        const patient = start();
        const pending = patient.send({ topic, messages: messages(1) });
        const closing = performance.now();
        await patient.close();
        expect(performance.now() - closing).toBeLessThan(500);
        expect(await pending).toMatchObject({ kind: 'retry' });
      });

      test('a producer whose broker was killed and came back goes on', async () => {
        const topic = await newTopic();
        const producer = start();
        expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
        await kafka.kill();
        expect(await producer.send({ topic, messages: messages(1) })).toMatchObject({ kind: 'retry' });
        await kafka.restart();
        expect(await producer.send({ topic, messages: messages(1) })).toEqual({ kind: 'acked' });
        expect(await kafka.readAll(topic)).toHaveLength(2);
      }, 60_000);
    });
  });
}

/** The second half of the contract, on three brokers. */
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
  });
}

/** Anyone may do all over PLAINTEXT, bob and carol over SASL_SSL; eve may nothing. */
function securedBroker({ folder, server }: Certificates): Parameters<typeof startKafka>[0] {
  const keystore = join(folder, 'keystore.pem');
  writeFileSync(keystore, readFileSync(server.key, 'utf8') + readFileSync(server.cert, 'utf8'));
  const security = 'org.apache.kafka.common.security';
  return {
    listeners: ['SASL_SSL'],
    formatArgs: ['--add-scram', 'SCRAM-SHA-512=[name=carol,password=carol-secret]'],
    properties: {
      // So that only the client's own restraint keeps an absent topic absent.
      'auto.create.topics.enable': 'true',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:bob;User:carol',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${security}.plain.PlainLoginModule required user_bob="bob-secret" user_eve="eve-secret";`,
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
    },
  };
}

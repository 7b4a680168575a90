/** What the parts of the producer contract share. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { KafkaProducerDeps, KafkaTiming } from '../../src/record/kafka-producer.ts';
import type { KafkaSettings } from '../../src/record/kafka-security.ts';
import type { Producer, ProducerMessage } from '../../src/record/producer.ts';
import type { Certificates } from '../helpers/certificates.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import type { KafkaForTest, KafkaOptions } from '../helpers/kafka.ts';
import type { KafkaProxy } from '../helpers/kafka-proxy.ts';
import { portOf } from '../helpers/ports.ts';

export type CreateProducer = (settings: KafkaSettings, deps: KafkaProducerDeps, timing: KafkaTiming) => Producer;

/** The broker that a part works with, and what it starts there. */
export interface Setting {
  readonly kafka: () => KafkaForTest;
  readonly certificates: () => Certificates;
  readonly proxy: () => KafkaProxy;
  /** A producer of the client under test, patient unless it is given other times. */
  start(changes?: Partial<KafkaSettings>, timing?: KafkaTiming): Producer;
  newTopic(config?: Readonly<Record<string, string>>, partitions?: number): Promise<string>;
  /** Everything that producers have logged in this test, secrets among it or not. */
  readonly logged: () => string;
}

/** Short, so that a hung broker costs a test less than two seconds. */
export const QUICK: KafkaTiming = { connect: 300, ack: 600, request: 900, deadline: 2_500, metadata: 300_000 };
/** For a broker that works on a busy machine. */
export const PATIENT: KafkaTiming = {
  connect: 5_000,
  ack: 8_000,
  request: 10_000,
  deadline: 20_000,
  metadata: 300_000,
};

/** The broker closes connections that were idle for this long. */
export const BROKER_IDLE_MS = 1_500;

export function messages(count: number, size = 10): ProducerMessage[] {
  return Array.from({ length: count }, (_, at) => ({
    key: `key-${at}`,
    value: Buffer.from(`${at}:${'x'.repeat(size)}`),
    headers: { 'outrider-record-id': String(at) },
  }));
}

/** A server that accepts and never answers, as a stopped broker does. */
export async function silentBroker(): Promise<string> {
  const server = createServer((socket) => cleanUp(() => void socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => void server.close());
  return `127.0.0.1:${portOf(server)}`;
}

export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

const LOGIN = 'org.apache.kafka.common.security';

/** Anyone may do all over PLAINTEXT; bob (PLAIN), carol and dave (SCRAM) over SASL, with TLS or without; eve nothing. */
export function securedBroker({ folder, ca, server }: Certificates, proxy: string): KafkaOptions {
  const keystore = join(folder, 'keystore.pem');
  writeFileSync(keystore, readFileSync(server.key, 'utf8') + readFileSync(server.cert, 'utf8'));
  const logins = ['sasl_ssl', 'sasl_plaintext'].flatMap((listener) => [
    [
      `listener.name.${listener}.plain.sasl.jaas.config`,
      `${LOGIN}.plain.PlainLoginModule required user_bob="bob-secret" user_eve="eve-secret";`,
    ],
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`, `${LOGIN}.scram.ScramLoginModule required;`],
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`, `${LOGIN}.scram.ScramLoginModule required;`],
  ]);
  return {
    proxy,
    listeners: ['SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    formatArgs: [
      ...['--add-scram', 'SCRAM-SHA-512=[name=carol,password=carol-secret]'],
      ...['--add-scram', 'SCRAM-SHA-256=[name=dave,password=dave-secret]'],
    ],
    properties: {
      // So that only the client's own restraint keeps an absent topic absent.
      'auto.create.topics.enable': 'true',
      'connections.max.idle.ms': String(BROKER_IDLE_MS),
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      // Over SSL without SASL a client's certificate says who it is.
      'listener.name.ssl.ssl.client.auth': 'required',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': ca,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:bob;User:carol;User:dave;User:CN=client',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      ...Object.fromEntries(logins),
    },
  };
}

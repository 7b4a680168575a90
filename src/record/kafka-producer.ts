/**
 * The Kafka client of the mirror, trusted with nothing: no retries of its own, one send at a time, each within our
 * deadline, and after any failure that is not the broker's final verdict a new client that asks another broker first.
 * (A hung broker still accepts connections, so kafkajs asks it for ever.)
 */
import type { Kafka, Producer as KafkaJsProducer, logCreator } from 'kafkajs';
import { outcomeOfError } from './kafka-error.ts';
import { useFastGzip } from './kafka-gzip.ts';
import { fixKafkaIdleLoop } from './kafka-idle-fix.ts';
import { createFastPartitioner } from './kafka-partitioner.ts';
import { useFastRecords } from './kafka-record.ts';
import { type KafkaSettings, type ReadFile, securityOf } from './kafka-security.ts';
import { askTopicInfo } from './kafka-topic.ts';
import { type BrokerSockets, createBrokerSockets } from './node-broker-sockets.ts';
import type { Failure, Log, Producer, ProducerBatch, SendOutcome, TopicInfo } from './producer.ts';

export interface KafkaProducerDeps {
  /** Used again for each new client, so that rotated secrets are seen. */
  readonly readFile: ReadFile;
  readonly log: Log;
}

/** Milliseconds. The first four rise: a broker answers one connection in order. */
export interface KafkaTiming {
  readonly connect: number;
  /** How long the leader waits for its followers. */
  readonly ack: number;
  readonly request: number;
  /** Of a whole send with its connects: the outer guard, kafkajs may add a metadata request to a failed send. */
  readonly deadline: number;
  /** How long a client believes what it was told of topics and leaders. */
  readonly metadata: number;
}

export const KAFKA_TIMING: KafkaTiming = {
  connect: 1_500,
  ack: 4_000,
  request: 5_000,
  deadline: 12_500,
  metadata: 300_000,
};

const GRACEFUL_DISCONNECT_MS = 1_000;
const NO_RETRY = { retries: 0 };
const CLOSED: Failure = { kind: 'retry', message: 'the producer is closed', trouble: 'other' };

/** Connects at the first send. */
export function createKafkaProducer(
  settings: KafkaSettings,
  deps: KafkaProducerDeps,
  timing: KafkaTiming = KAFKA_TIMING,
): Producer {
  return new KafkaProducer(settings, deps, timing);
}

/** One set of connections, for one topic: kafkajs fails every send once any topic it has sent to is deleted. */
interface Client {
  readonly topic: string;
  readonly sockets: BrokerSockets;
  readonly connected: Promise<{ readonly kafka: Kafka; readonly producer: KafkaJsProducer; readonly gzip: number }>;
}

class KafkaProducer implements Producer {
  readonly #settings: KafkaSettings;
  readonly #deps: KafkaProducerDeps;
  readonly #timing: KafkaTiming;
  #client: Client | null = null;
  #clientsFailed = 0;
  #pending: Promise<SendOutcome> | null = null;
  #closed = false;

  constructor(settings: KafkaSettings, deps: KafkaProducerDeps, timing: KafkaTiming) {
    this.#settings = settings;
    this.#deps = deps;
    this.#timing = timing;
  }

  async send(batch: ProducerBatch): Promise<SendOutcome> {
    if (this.#pending !== null) throw new Error('send() was called while another send is pending');
    if (this.#closed) return CLOSED;
    this.#pending = this.#sendOnce(batch);
    try {
      return await this.#pending;
    } finally {
      this.#pending = null;
    }
  }

  async #sendOnce(batch: ProducerBatch): Promise<SendOutcome> {
    if (this.#client !== null && this.#client.topic !== batch.topic) this.#discard();
    try {
      await within(this.#timing.deadline, this.#produce(batch));
      return { kind: 'acked' };
    } catch (error) {
      const outcome = outcomeOfError(error);
      if (outcome.kind === 'retry') this.#discard();
      return outcome;
    }
  }

  async #produce({ topic, messages }: ProducerBatch): Promise<void> {
    const { producer, gzip } = await this.#open(topic).connected;
    await producer.send({
      topic,
      messages: messages.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
      acks: -1,
      timeout: this.#timing.ack,
      compression: this.#settings.compression === 'gzip' ? gzip : 0,
    });
  }

  async topicInfo(): Promise<TopicInfo | Failure> {
    if (this.#closed) return CLOSED;
    const client = this.#open(this.#settings.topic);
    try {
      return await within(this.#timing.deadline, this.#askTopic(client));
    } catch (error) {
      const outcome = outcomeOfError(error);
      // A send that is pending decides by itself what becomes of the client that it shares.
      if (outcome.kind === 'retry' && this.#pending === null && this.#client === client) this.#discard();
      return outcome;
    }
  }

  async #askTopic({ connected, topic }: Client): Promise<TopicInfo> {
    const { kafka } = await connected;
    return await askTopicInfo(kafka.admin({ retry: NO_RETRY }), topic);
  }

  async idle(): Promise<void> {
    if (this.#pending !== null || this.#client === null) return;
    const { connected, sockets } = this.#client;
    this.#client = null;
    try {
      const { producer } = await connected;
      await within(GRACEFUL_DISCONNECT_MS, producer.disconnect());
    } catch (error) {
      this.#deps.log('debug', 'Kafka connections were cut', { cause: outcomeOfError(error).message });
    } finally {
      sockets.cut();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#discard();
    await this.#pending;
  }

  /** Throws the client away; the next one asks the next broker first. */
  #discard(): void {
    this.#client?.sockets.cut();
    this.#client = null;
    this.#clientsFailed += 1;
  }

  #open(topic: string): Client {
    if (this.#client === null) {
      const sockets = createBrokerSockets();
      this.#client = { topic, sockets, connected: this.#connect(sockets) };
    }
    return this.#client;
  }

  async #connect(sockets: BrokerSockets): Promise<Awaited<Client['connected']>> {
    const brokers = rotate(this.#settings.brokers.map(withPort), this.#clientsFailed);
    const { default: kafkajs } = await import('kafkajs');
    useFastRecords();
    if (!fixKafkaIdleLoop()) this.#deps.log('warn', 'this kafkajs is not 2.2.4: its idle connections cost CPU');
    useFastGzip(kafkajs.CompressionCodecs, kafkajs.CompressionTypes.GZIP);
    const kafka = new kafkajs.Kafka({
      brokers,
      clientId: this.#settings.clientId,
      connectionTimeout: this.#timing.connect,
      authenticationTimeout: this.#timing.request,
      requestTimeout: this.#timing.request,
      retry: NO_RETRY,
      socketFactory: sockets.open,
      logLevel: kafkajs.logLevel.ERROR,
      logCreator: logTo(this.#deps.log),
      ...(await securityOf(this.#settings, this.#deps.readFile)),
    });
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      idempotent: false,
      metadataMaxAge: this.#timing.metadata,
      retry: NO_RETRY,
      createPartitioner: createFastPartitioner(kafkajs.Partitioners.DefaultPartitioner),
    });
    await producer.connect();
    return { kafka, producer, gzip: kafkajs.CompressionTypes.GZIP };
  }
}

/** kafkajs prints by itself unless it is given somewhere to print to; one line an outage is the mirror's to say. */
function logTo(log: Log): logCreator {
  return () => (entry) => log('debug', entry.log.message, { from: 'kafkajs', namespace: entry.namespace });
}

/** Kafka's usual port where none is given. */
function withPort(broker: string): string {
  return broker.includes(':') ? broker : `${broker}:9092`;
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** Rejects after `ms`; the caller cuts the connections, which settles `work` as well. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer from Kafka within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

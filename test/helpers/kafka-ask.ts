/** What the helper itself asks of a broker: topics, readiness, offsets. */
import kafkajs, { type Kafka } from 'kafkajs';
import { fixKafkaIdleLoop } from '../../src/record/kafka-idle-fix.ts';
import type { KafkaNode } from './kafka-node.ts';
import { waitFor } from './wait.ts';

export interface TopicOptions {
  readonly partitions?: number;
  readonly replicas?: number;
  readonly config?: Readonly<Record<string, string>>;
}

// Else a negative timer's warning is in the output of every suite.
fixKafkaIdleLoop();

const READY_TOPIC = 'outrider-ready';
const START_MS = 60_000;

function client(brokers: readonly string[]): Kafka {
  return new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: { retries: 0 },
  });
}

/** By a real produce: the port answers before the broker does. */
export async function untilReady(brokers: readonly string[], nodes: readonly KafkaNode[]): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    const ended = nodes.find((node) => !node.running);
    if (ended !== undefined) return true;
    await createTopic(brokers, READY_TOPIC, { replicas: nodes.length });
    const producer = client(brokers).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    try {
      await producer.connect();
      await producer.send({ topic: READY_TOPIC, acks: -1, timeout: 2_000, messages: [{ value: 'ready' }] });
    } finally {
      await producer.disconnect();
    }
    return true;
  };
  await waitFor(isReady, { what: 'Kafka to acknowledge a produce', timeoutMs: START_MS, everyMs: 50 });
  const ended = nodes.find((node) => !node.running);
  if (ended !== undefined) throw new Error(`Kafka ended at its start:\n${ended.output()}`);
}

/** Returns when the topic's partitions have leaders; one that is there already is left as it is. */
export async function createTopic(
  brokers: readonly string[],
  topic: string,
  { partitions = 1, replicas = 1, config = {} }: TopicOptions,
): Promise<void> {
  const admin = client(brokers).admin();
  try {
    await admin.connect();
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const wanted = { topic, numPartitions: partitions, replicationFactor: replicas, configEntries };
    await admin.createTopics({ waitForLeaders: false, topics: [wanted] });
    const hasLeaders = async (): Promise<boolean> => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const found = topics.flatMap((each) => each.partitions);
      return found.length === partitions && found.every(({ leader, isr }) => leader > 0 && isr.length === replicas);
    };
    await waitFor(hasLeaders, { what: `leaders of ${topic}` });
  } finally {
    await admin.disconnect();
  }
}

/** Returns when the broker that was asked knows it no more. */
export async function deleteTopic(brokers: readonly string[], topic: string): Promise<void> {
  const admin = client(brokers).admin();
  try {
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    const isGone = async (): Promise<boolean> => !(await admin.listTopics()).includes(topic);
    await waitFor(isGone, { what: `the end of ${topic}` });
  } finally {
    await admin.disconnect();
  }
}

/** Records between the first and the last offset of all partitions. */
export async function countRecords(brokers: readonly string[], topic: string): Promise<number> {
  const admin = client(brokers).admin();
  try {
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}

/** Asks anew each time: brokers come and go meanwhile. */
export async function untilInSync(brokers: readonly string[], topic: string): Promise<void> {
  const isInSync = async (): Promise<boolean> => {
    const admin = client(brokers).admin();
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics.flatMap((each) => each.partitions);
      return partitions.length > 0 && partitions.every(({ isr, replicas }) => isr.length === replicas.length);
    } finally {
      await admin.disconnect();
    }
  };
  await waitFor(isInSync, { what: `all replicas of ${topic}`, timeoutMs: START_MS, everyMs: 50 });
}

/** Node id of the leader of the first partition. */
export async function leaderOf(brokers: readonly string[], topic: string): Promise<number> {
  const ask = async (): Promise<{ readonly leader: number }> => {
    const admin = client(brokers).admin();
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const first = topics.flatMap(({ partitions }) => partitions).find(({ partitionId }) => partitionId === 0);
      return { leader: first?.leader ?? 0 };
    } finally {
      await admin.disconnect();
    }
  };
  // A broker that has just been told of a topic does not know yet who leads it.
  return (await waitFor(ask, { what: `the leader of ${topic}`, timeoutMs: START_MS, everyMs: 50 })).leader;
}

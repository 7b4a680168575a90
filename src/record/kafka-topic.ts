/** What Kafka says about the durability of a topic. */
import type { Admin } from 'kafkajs';
import { outcomeOfError } from './kafka-error.ts';
import type { TopicInfo } from './producer.ts';

/** `ConfigResourceTypes.TOPIC` of the protocol. */
const TOPIC_RESOURCE = 2;
const MIN_INSYNC = 'min.insync.replicas';

/** Connects and disconnects the client it is given. Throws when the broker refuses or is away. */
export async function askTopicInfo(admin: Admin, topic: string): Promise<TopicInfo> {
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const replicas = Math.min(...topics.flatMap(({ partitions }) => partitions.map((each) => each.replicas.length)));
    if (!Number.isFinite(replicas)) throw new Error(`the broker tells no partition of topic ${topic}`);
    return { kind: 'topic', replicas, minInsyncReplicas: await askMinInsync(admin, topic) };
  } finally {
    await admin.disconnect();
  }
}

/** null: this user may write, and has no right to see how the topic is configured. */
async function askMinInsync(admin: Admin, topic: string): Promise<number | null> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: [MIN_INSYNC] }],
    });
    const entries = resources.flatMap(({ configEntries }) => configEntries);
    const entry = entries.find((each) => each.configName === MIN_INSYNC);
    return entry === undefined ? null : Number(entry.configValue);
  } catch (error) {
    if (outcomeOfError(error).trouble === 'rights') return null;
    throw error;
  }
}

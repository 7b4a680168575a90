/** What Kafka says about the durability of a topic. */
import type { Admin } from 'kafkajs';
import type { TopicInfo } from './producer.ts';

/** `ConfigResourceTypes.TOPIC` of the protocol. */
const TOPIC_RESOURCE = 2;
const MIN_INSYNC = 'min.insync.replicas';

/** Connects and disconnects the client it is given. Throws when the broker refuses or is away. */
export async function askTopicInfo(admin: Admin, topic: string): Promise<TopicInfo | null> {
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: [MIN_INSYNC] }],
    });
    const replicas = Math.min(...topics.flatMap(({ partitions }) => partitions.map((each) => each.replicas.length)));
    const entry = resources
      .flatMap(({ configEntries }) => configEntries)
      .find((each) => each.configName === MIN_INSYNC);
    if (entry === undefined || !Number.isFinite(replicas)) return null;
    return { replicas, minInsyncReplicas: Number(entry.configValue) };
  } finally {
    await admin.disconnect();
  }
}

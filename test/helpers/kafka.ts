/**
 * A real Apache Kafka for tests: started from Maven's jars in about two seconds, on free ports, in a temporary folder.
 * Where Java and Maven are missing, the cluster that `KAFKA_BROKERS` names is used, which no test may stop.
 */
import { randomBytes } from 'node:crypto';
import { cleanUp, temporaryFolder } from './cleanup.ts';
import {
  type ClusterOptions,
  canStartKafka,
  connectionTo,
  type KafkaCluster,
  prepareCluster,
} from './kafka-cluster.ts';
import { describeUnless } from './skip.ts';

export type { ReadRecord } from './kafka-read.ts';

export interface KafkaOptions extends Omit<ClusterOptions, 'folder'> {
  /** Created with one partition before it returns. */
  readonly topics?: readonly string[];
  /** False: prepared but not started; start it with restart(). */
  readonly started?: boolean;
  /** True (the default): lives as long as the test file, else as long as the test. */
  readonly shared?: boolean;
}

export type KafkaForTest = KafkaCluster;

const START_ATTEMPTS = 3;

/** `control`: the test stops or pauses the broker, so another's cluster will not do. */
export function kafkaAvailable({ control = false } = {}): boolean {
  return canStartKafka() || (!control && Boolean(process.env.KAFKA_BROKERS));
}

/** A `describe` that is skipped with one loud line where there is no Kafka; with CI=true that is a failure. */
export function describeWithKafka(title: string, { control = true }: { control?: boolean }, suite: () => void): void {
  const missing = `NO KAFKA (install Java and Maven${control ? '' : ', or set KAFKA_BROKERS'})`;
  describeUnless(kafkaAvailable({ control }) ? undefined : missing, title, suite);
}

/** A name no other run uses. */
export function topicName(prefix = 'failed-requests'): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaForTest> {
  const kafka = canStartKafka() ? await ownKafka(options) : otherKafka(process.env.KAFKA_BROKERS ?? '');
  if (options.started !== false) for (const topic of options.topics ?? []) await kafka.createTopic(topic);
  return kafka;
}

/** A broker that ends at its start (a port of ours that another took meanwhile) is tried anew, on other ports. */
async function ownKafka({ shared = true, ...options }: KafkaOptions): Promise<KafkaForTest> {
  for (let attempt = 1; ; attempt += 1) {
    const kafka = await prepareCluster({ ...options, folder: temporaryFolder({ shared }) });
    cleanUp(() => kafka.kill(), { shared });
    if (options.started === false) return kafka;
    try {
      await kafka.restart();
      return kafka;
    } catch (error) {
      await kafka.kill();
      if (attempt === START_ATTEMPTS) throw error;
      process.stderr.write(
        `attempt ${attempt} of ${START_ATTEMPTS}: ${error instanceof Error ? error.message : error}\n`,
      );
    }
  }
}

function otherKafka(list: string): KafkaForTest {
  const refuse = (): never => {
    throw new Error('the cluster in KAFKA_BROKERS is not ours to stop');
  };
  const control = { stop: refuse, kill: refuse, restart: refuse, pause: refuse, resume: refuse };
  return { ...connectionTo(list.split(',')), listeners: {}, nodes: [], ...control };
}

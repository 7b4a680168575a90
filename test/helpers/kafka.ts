/**
 * A real Apache Kafka for tests: started from Maven's jars in about two seconds, on free ports, in a temporary folder.
 * Where Java and Maven are missing, the cluster that `KAFKA_BROKERS` names is used, which no test may stop.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from './cleanup.ts';
import { countRecords, createTopic, leaderOf, type TopicOptions, untilReady } from './kafka-ask.ts';
import { archiveOf, isOnPath, type KafkaJars, type KafkaVersion, kafkaJars, once } from './kafka-jars.ts';
import { formattedFolder, type KafkaNode, type NodePorts, prepareNode } from './kafka-node.ts';
import { type ReadRecord, readTopic } from './kafka-read.ts';
import { occupyPort } from './ports.ts';
import { waitFor } from './wait.ts';

export type { ReadRecord } from './kafka-read.ts';

export interface KafkaOptions {
  readonly version?: KafkaVersion;
  /** Created with one partition before it returns. */
  readonly topics?: readonly string[];
  /** More lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly nodes?: 1 | 3;
  /** More listeners of the (first) broker, named as their security protocol: `SASL_SSL`. */
  readonly listeners?: readonly ('SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL')[];
  /** Of `StorageTool format`: SCRAM users. */
  readonly formatArgs?: readonly string[];
  /** False: prepared but not started; start it with restart(). */
  readonly started?: boolean;
  /** True (the default): lives as long as the test file, else as long as the test. */
  readonly shared?: boolean;
}

export interface KafkaForTest {
  readonly brokers: readonly string[];
  /** Address of each further listener. */
  readonly listeners: Readonly<Record<string, string>>;
  readonly nodes: readonly KafkaNode[];
  /** SIGTERM and wait; the data stays for restart(). */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Stops what runs, starts on the same ports and data, returns when a produce was acknowledged. */
  restart(): Promise<void>;
  /** SIGSTOP: accepts connections, answers nothing. */
  pause(): void;
  resume(): void;
  createTopic(name: string, options?: TopicOptions): Promise<void>;
  /** Index in `nodes` and `brokers` of the leader of the topic's first partition. */
  leaderOf(topic: string): Promise<number>;
  /** By a consumer nobody here wrote. Values as UTF-8. */
  readAll(topic: string): Promise<readonly ReadRecord[]>;
}

function canStart(): boolean {
  return isOnPath('java') && isOnPath('mvn');
}

/** `control`: the test stops or pauses the broker, so another's cluster will not do. */
export function kafkaAvailable({ control = false } = {}): boolean {
  return canStart() || (!control && Boolean(process.env.KAFKA_BROKERS));
}

/** A `describe` that is skipped with one loud line where there is no Kafka; with CI=true that is a failure. */
export function describeWithKafka(title: string, { control = true }: { control?: boolean }, suite: () => void): void {
  if (kafkaAvailable({ control })) {
    describe(title, suite);
    return;
  }
  const missing = `SKIPPED, NO KAFKA: ${title} (install Java and Maven${control ? '' : ', or set KAFKA_BROKERS'})`;
  if (process.env.CI === 'true') {
    test(title, () => {
      throw new Error(missing);
    });
    return;
  }
  process.stderr.write(`\n${missing}\n`);
  describe.skip(title, suite);
}

/** A name no other run uses. */
export function topicName(prefix = 'failed-requests'): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaForTest> {
  const kafka = canStart() ? await ownKafka(options) : otherKafka(process.env.KAFKA_BROKERS ?? '');
  if (options.started !== false) for (const topic of options.topics ?? []) await kafka.createTopic(topic);
  return kafka;
}

/** The first use formats a folder to copy from and lets one broker write the archive of its classes. */
async function preparedJars(version: KafkaVersion): Promise<KafkaJars> {
  const jars = await kafkaJars(version);
  const archive = archiveOf(jars);
  await once(jars.folder, archive, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outrider-kafka-'));
    try {
      const ports = { id: 1, broker: await freePort(), controller: await freePort() };
      const node = await prepareNode({ jars, folder, ports, all: [ports], properties: {}, formatArgs: [] });
      rmSync(formattedFolder(jars), { recursive: true, force: true });
      cpSync(join(folder, 'data'), formattedFolder(jars), { recursive: true });
      node.start();
      await untilReady([`127.0.0.1:${ports.broker}`], [node]);
      await node.end('SIGTERM');
      renameSync(`${archive}.partial`, archive);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  return jars;
}

async function ownKafka(options: KafkaOptions): Promise<KafkaForTest> {
  const { version = '4.4.0', nodes: count = 1, shared = true, listeners: extra = [], properties = {} } = options;
  const jars = await preparedJars(version);
  const folder = temporaryFolder({ shared });
  const all: NodePorts[] = [];
  for (let id = 1; id <= count; id += 1) all.push({ id, broker: await freePort(), controller: await freePort() });
  const brokers = all.map(({ broker }) => `127.0.0.1:${broker}`);
  const listeners: Record<string, string> = {};
  for (const name of extra) listeners[name] = `127.0.0.1:${await freePort()}`;
  const formatArgs = options.formatArgs ?? null;
  const nodes = await Promise.all(
    all.map((ports) => {
      const own = { ...listenerLines(ports, listeners), ...properties };
      const nodeFolder = join(folder, String(ports.id));
      return prepareNode({ jars, folder: nodeFolder, ports, all, properties: own, formatArgs });
    }),
  );
  // In teardown: three nodes that end together wait for each other for seconds.
  cleanUp(() => Promise.all(nodes.map((node) => node.end('SIGKILL'))).then(() => undefined), { shared });
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    await Promise.all(nodes.map((node) => node.end(count === 1 ? signal : 'SIGKILL')));
  };
  const restart = async (): Promise<void> => {
    await end('SIGTERM');
    for (const node of nodes) node.start();
    await untilReady(brokers, nodes);
  };
  if (options.started !== false) await restart();
  return {
    ...connectionTo(brokers),
    listeners,
    nodes,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    restart,
    pause: () => signalAll(nodes, 'SIGSTOP'),
    resume: () => signalAll(nodes, 'SIGCONT'),
  };
}

function otherKafka(list: string): KafkaForTest {
  const refuse = (): never => {
    throw new Error('the cluster in KAFKA_BROKERS is not ours to stop');
  };
  const control = { stop: refuse, kill: refuse, restart: refuse, pause: refuse, resume: refuse };
  return { ...connectionTo(list.split(',')), listeners: {}, nodes: [], ...control };
}

function signalAll(nodes: readonly KafkaNode[], signal: NodeJS.Signals): void {
  for (const node of nodes) node.signal(signal);
}

/** The further listeners are advertised by the first node only; one-node clusters are what they are for. */
function listenerLines(ports: NodePorts, extra: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(extra);
  if (names.length === 0) return {};
  const own = [`PLAINTEXT://127.0.0.1:${ports.broker}`, ...names.map((name) => `${name}://${extra[name]}`)].join(',');
  return { listeners: `${own},CONTROLLER://127.0.0.1:${ports.controller}`, 'advertised.listeners': own };
}

/** Below the range that outgoing connections take theirs from: still free at the restart. */
async function freePort(): Promise<number> {
  return await waitFor(
    async () => {
      const busy = await occupyPort(20_000 + Math.floor(Math.random() * 12_000));
      await busy.release();
      return busy.port;
    },
    { what: 'a free port' },
  );
}

function connectionTo(
  brokers: readonly string[],
): Pick<KafkaForTest, 'brokers' | 'createTopic' | 'leaderOf' | 'readAll'> {
  return {
    brokers,
    createTopic: (name, options = {}) => createTopic(brokers, name, options),
    leaderOf: async (topic) => (await leaderOf(brokers, topic)) - 1,
    readAll: async (topic) => readTopic(brokers, topic, await countRecords(brokers, topic)),
  };
}

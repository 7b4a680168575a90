/** A real Apache Kafka without a test around it: for tests through `kafka.ts`, and for the benchmark. */
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  countRecords,
  createTopic,
  deleteTopic,
  leaderOf,
  type TopicOptions,
  untilInSync,
  untilReady,
} from './kafka-ask.ts';
import { archiveOf, isOnPath, type KafkaJars, type KafkaVersion, kafkaJars, once } from './kafka-jars.ts';
import { formattedFolder, type KafkaNode, type NodePorts, prepareNode } from './kafka-node.ts';
import { type ReadRecord, readTopic } from './kafka-read.ts';
import { occupyPort } from './ports.ts';
import { waitFor } from './wait.ts';

export interface ClusterOptions {
  /** Where the nodes keep their files. */
  readonly folder: string;
  readonly version?: KafkaVersion;
  /** More lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly nodes?: 1 | 3;
  /** More listeners of the (first) broker, named as their security protocol: `SASL_SSL`. */
  readonly listeners?: readonly ('SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL')[];
  /** Address of a proxy: a listener PROXIED of the (first) broker says that this is where it is. */
  readonly proxy?: string;
  /** Of `StorageTool format`: SCRAM users. */
  readonly formatArgs?: readonly string[];
}

/** What can be asked of any cluster. */
export interface KafkaConnection {
  readonly brokers: readonly string[];
  createTopic(name: string, options?: TopicOptions): Promise<void>;
  /** Returns when no broker knows it any more. */
  deleteTopic(name: string): Promise<void>;
  /** Index in `nodes` and `brokers` of the leader of the topic's first partition. */
  leaderOf(topic: string): Promise<number>;
  /** Returns when all replicas of all its partitions are in sync. */
  untilInSync(topic: string): Promise<void>;
  /** Records between the first and the last offset. */
  count(topic: string): Promise<number>;
  /** By a consumer nobody here wrote. Values as UTF-8. */
  readAll(topic: string): Promise<readonly ReadRecord[]>;
}

/** What only its owner may do. */
export interface KafkaCluster extends KafkaConnection {
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
}

export function canStartKafka(): boolean {
  return isOnPath('java') && isOnPath('mvn');
}

/** Not started yet: that is restart(). Its end is kill(). */
export async function prepareCluster(options: ClusterOptions): Promise<KafkaCluster> {
  const { version = '4.4.0', nodes: count = 1, listeners: extra = [], properties = {}, folder } = options;
  const jars = await preparedJars(version);
  const all: NodePorts[] = [];
  for (let id = 1; id <= count; id += 1) all.push({ id, broker: await freePort(), controller: await freePort() });
  const brokers = all.map(({ broker }) => `127.0.0.1:${broker}`);
  const listeners: Record<string, string> = {};
  for (const name of extra) listeners[name] = `127.0.0.1:${await freePort()}`;
  if (options.proxy !== undefined) listeners.PROXIED = `127.0.0.1:${await freePort()}`;
  const formatArgs = options.formatArgs ?? null;
  const nodes = await Promise.all(
    all.map((ports) => {
      const own = { ...listenerLines(ports, listeners, options.proxy), ...properties };
      const nodeFolder = join(folder, String(ports.id));
      return prepareNode({ jars, folder: nodeFolder, ports, all, properties: own, formatArgs });
    }),
  );
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    // Three nodes that end together wait for each other for seconds.
    await Promise.all(nodes.map((node) => node.end(count === 1 ? signal : 'SIGKILL')));
  };
  const restart = async (): Promise<void> => {
    await end('SIGTERM');
    for (const node of nodes) node.start();
    await untilReady(brokers, nodes);
  };
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

function signalAll(nodes: readonly KafkaNode[], signal: NodeJS.Signals): void {
  for (const node of nodes) node.signal(signal);
}

/** The further listeners are advertised by the first node only; one-node clusters are what they are for. */
function listenerLines(
  ports: NodePorts,
  extra: Readonly<Record<string, string>>,
  proxy: string | undefined,
): Record<string, string> {
  if (Object.keys(extra).length === 0) return {};
  const all = { PLAINTEXT: `127.0.0.1:${ports.broker}`, ...extra };
  const lines = (listeners: object): string =>
    Object.entries(listeners)
      .map(([name, address]) => `${name}://${address}`)
      .join(',');
  return {
    listeners: `${lines(all)},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': lines(proxy === undefined ? all : { ...all, PROXIED: proxy }),
  };
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

export function connectionTo(brokers: readonly string[]): KafkaConnection {
  return {
    brokers,
    createTopic: (name, options = {}) => createTopic(brokers, name, options),
    deleteTopic: (name) => deleteTopic(brokers, name),
    leaderOf: async (topic) => (await leaderOf(brokers, topic)) - 1,
    untilInSync: (topic) => untilInSync(brokers, topic),
    count: (topic) => countRecords(brokers, topic),
    readAll: async (topic) => readTopic(brokers, topic, await countRecords(brokers, topic)),
  };
}

/** One process of a test's Kafka: broker and controller in one (KRaft), its files in one folder. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KafkaJars, runJava, spawnJava } from './kafka-jars.ts';

export interface NodePorts {
  readonly id: number;
  readonly broker: number;
  readonly controller: number;
}

export interface KafkaNode {
  readonly pid: number;
  readonly running: boolean;
  start(): void;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** How it ended and what it printed: for the message of a failed start. */
  output(): string;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface NodeOptions {
  readonly jars: KafkaJars;
  readonly folder: string;
  readonly ports: NodePorts;
  readonly all: readonly NodePorts[];
  /** Lines of server.properties; they win over the helper's own. */
  readonly properties: Readonly<Record<string, string>>;
  /** Options of `StorageTool format`; null: copied from `formatted`, which takes no time. */
  readonly formatArgs: readonly string[] | null;
}

/** Random, 16 bytes, base64url as Kafka writes its ids; they must not start with a dash. */
function newKafkaId(): string {
  return `x${randomBytes(16).toString('base64url').slice(1)}`;
}

/** What `StorageTool format` left, kept beside the jars. It names no port. */
export function formattedFolder({ folder }: KafkaJars): string {
  return join(folder, 'formatted');
}

/** Formats the folder; start() starts the process, again and again on the same ports. */
export async function prepareNode(options: NodeOptions): Promise<KafkaNode> {
  const { jars, folder, formatArgs } = options;
  mkdirSync(folder, { recursive: true });
  const properties = join(folder, 'server.properties');
  writeFileSync(properties, propertiesText(options));
  const format = ['kafka.tools.StorageTool', 'format', '--ignore-formatted', '-t', newKafkaId(), '-c', properties];
  if (formatArgs === null) copyFormatted(options);
  else await runJava(jars, [...format, ...formatArgs]);
  const outputFile = join(folder, 'output.txt');
  let child: ChildProcess | null = null;
  return {
    get pid() {
      return child?.pid ?? 0;
    },
    get running() {
      return child !== null && child.exitCode === null && child.signalCode === null;
    },
    start() {
      child = spawnJava(jars, ['kafka.Kafka', properties], openSync(outputFile, 'a'));
      const started = child;
      running.add(started);
      started.once('exit', () => running.delete(started));
    },
    signal(signal) {
      child?.kill(signal);
    },
    async end(signal) {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill(signal);
      // A stopped process takes SIGTERM only after it goes on.
      child.kill('SIGCONT');
      await exit;
    },
    output: () => `${endOf(child)}\n${readFileSync(outputFile, 'utf8').slice(-4_000)}`,
  };
}

function endOf(child: ChildProcess | null): string {
  if (child === null) return 'not started';
  return child.signalCode === null ? `exit code ${child.exitCode}` : `ended by ${child.signalCode}`;
}

function copyFormatted({ jars, folder, ports }: NodeOptions): void {
  const data = join(folder, 'data');
  cpSync(formattedFolder(jars), data, { recursive: true });
  const meta = join(data, 'meta.properties');
  const own = readFileSync(meta, 'utf8')
    .replace(/^node\.id=.*$/m, `node.id=${ports.id}`)
    .replace(/^directory\.id=.*$/m, `directory.id=${newKafkaId()}`);
  writeFileSync(meta, own);
}

function propertiesText({ folder, ports, all, properties }: NodeOptions): string {
  const replicas = String(all.length);
  const lines: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(ports.id),
    'controller.quorum.voters': all.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.broker}`,
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'num.network.threads': '2',
    'num.io.threads': '2',
    'log.cleaner.dedupe.buffer.size': '4194304',
    'broker.heartbeat.interval.ms': '250',
    'broker.session.timeout.ms': '1500',
    'replica.lag.time.max.ms': '1500',
    'controller.quorum.election.timeout.ms': '250',
    ...properties,
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Reads a topic with a consumer that nobody here wrote: kcat, else Kafka's own console consumer. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isOnPath, kafkaJars, READER_VERSION, runJava } from './kafka-jars.ts';

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

const BUFFER = 256 * 1024 * 1024;

/** Every record of the topic, in the order of each partition. `count`: how many there are (the end offsets' sum). */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<readonly ReadRecord[]> {
  if (count === 0) return [];
  if (isOnPath('kcat')) return readWithKcat(brokers, topic);
  if (isOnPath('java') && isOnPath('mvn')) return readWithConsoleConsumer(brokers, topic, count);
  throw new Error('no consumer to read with: install kcat, or Java and Maven');
}

/** -J: one JSON object a line, headers as a flat list of names and values. */
export async function readWithKcat(brokers: readonly string[], topic: string): Promise<readonly ReadRecord[]> {
  const args = ['-b', brokers.join(','), '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-J'];
  const { stdout } = await promisify(execFile)('kcat', args, { maxBuffer: BUFFER, timeout: 60_000 });
  return stdout.split('\n').filter(Boolean).map(fromKcat);
}

function fromKcat(line: string): ReadRecord {
  const { partition, offset, key, payload, headers } = JSON.parse(line) as {
    partition: number;
    offset: number;
    key: string | null;
    payload: string;
    headers?: readonly string[];
  };
  const list = headers ?? [];
  const pairs = list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []));
  return { partition, offset, key, value: payload, headers: Object.fromEntries(pairs) };
}

const SEPARATOR = '\u0001';

export async function readWithConsoleConsumer(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<readonly ReadRecord[]> {
  const shown = ['partition', 'offset', 'headers', 'key', 'value'].flatMap((part) => [
    '--property',
    `print.${part}=true`,
  ]);
  const stdout = await runJava(await kafkaJars(READER_VERSION), [
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
    ...['--max-messages', String(count), '--timeout-ms', '20000'],
    ...shown,
    ...['--property', `key.separator=${SEPARATOR}`, '--property', 'null.literal=\u0002'],
    ...['--property', 'headers.separator=\u0003'],
  ]);
  return stdout.split('\n').filter(Boolean).map(fromConsole);
}

/** `Partition:0 SEP Offset:5 SEP name:value,name:value SEP key SEP value` */
function fromConsole(line: string): ReadRecord {
  const [partition = '', offset = '', headers = '', key = '', ...value] = line.split(SEPARATOR);
  const pairs = headers
    .split('\u0003')
    .map((pair) => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)]);
  return {
    partition: Number(partition.replace('Partition:', '')),
    offset: Number(offset.replace('Offset:', '')),
    key: key === '\u0002' ? null : key,
    value: value.join(SEPARATOR),
    headers: headers === 'NO_HEADERS' ? {} : Object.fromEntries(pairs),
  };
}

/** The topic as a consumer sees it that nobody here wrote: one record at a time, whatever its size. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { KafkaForTest } from '../helpers/kafka.ts';
import { isOnPath } from '../helpers/kafka-jars.ts';

/** Of the record's JSON, what is compared. */
export interface PublishedRecord {
  readonly id: string;
  readonly uri: string;
  readonly body: string;
  readonly body_encoding: 'utf8' | 'base64';
  readonly body_truncated: boolean;
  readonly body_omitted: boolean;
  readonly body_sha256: string | null;
  readonly body_bytes: number;
}

/** In the order of the topic's only partition. */
export async function* readRecords(kafka: KafkaForTest, topic: string): AsyncGenerator<PublishedRecord> {
  if (!isOnPath('kcat')) {
    for (const { value } of await kafka.readAll(topic)) yield JSON.parse(value);
    return;
  }
  // The values are JSON in one line each.
  const args = ['-b', kafka.brokers.join(','), '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%s\\n'];
  const kcat = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(kcat, 'close');
  for await (const line of createInterface({ input: kcat.stdout })) yield JSON.parse(line);
  const [code] = await exited;
  if (code !== 0) throw new Error(`kcat ended with ${code}`);
}

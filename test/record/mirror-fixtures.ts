/** A mirror from a real spool to a real Kafka. */
import { readFile } from 'node:fs/promises';
import { createKafkaProducer, type KafkaTiming } from '../../src/record/kafka-producer.ts';
import type { KafkaSettings } from '../../src/record/kafka-security.ts';
import { createMirror, type Mirror, messageFor } from '../../src/record/mirror.ts';
import type { Spool } from '../../src/record/spool.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import type { ReadRecord } from '../helpers/kafka.ts';
import { waitFor } from '../helpers/wait.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { captureOf, commitAll, openSpool } from './spool-fixtures.ts';

/** Short enough for tests, long enough for a busy machine. */
const TIMING: KafkaTiming = { connect: 500, ack: 1_000, request: 1_500, deadline: 4_000, metadata: 300_000 };

export interface SpoolMirror {
  readonly spool: Spool;
  readonly mirror: Mirror;
  /** What it said, without `debug`. */
  readonly lines: string[];
  /** In the order of their commits. */
  readonly ids: readonly string[];
  /** Commits so many records more and wakes the mirror; their bodies begin with their numbers from 0 on. */
  keep(count: number, bodyBytes?: number): void;
  /** Until nothing waits. */
  drained(): Promise<void>;
}

/** Records have the header x-tenant, one of seven values. */
export function startSpoolMirror(changes: Partial<KafkaSettings>): SpoolMirror {
  const settings = kafkaSettings(changes);
  const spool = openSpool();
  const lines: string[] = [];
  const log = (level: string, message: string): void => void (level !== 'debug' && lines.push(message));
  const mirror = createMirror({
    source: spool,
    producer: createKafkaProducer(settings, { readFile: (path) => readFile(path, 'utf8'), log }, TIMING),
    settings,
    toMessage: (record, body) => {
      const headers = { 'x-tenant': record.head.head.rawHeaders.at(-1) };
      const value = { id: record.id, headers, body: Buffer.from(body ?? []).toString(), body_omitted: body === null };
      return messageFor(JSON.stringify(value), record, settings);
    },
    onState: () => undefined,
    log,
  });
  cleanUp(() => mirror.close({ deadlineMs: 0 }));
  const ids: string[] = [];
  return {
    spool,
    mirror,
    lines,
    ids,
    keep(count, bodyBytes = 0) {
      const captures = Array.from({ length: count }, (_, at) => {
        const number = ids.length + at;
        const capture = captureOf(`${number} `.padEnd(bodyBytes, 'x'));
        return { ...capture, head: { ...capture.head, rawHeaders: ['X-Tenant', `tenant-${number % 7}`] } };
      });
      commitAll(spool, captures);
      ids.push(...captures.map(({ id }) => id));
      mirror.wake();
    },
    drained: async () => {
      await waitFor(() => spool.waiting(0, 1).length === 0, { what: 'nothing to wait for Kafka', timeoutMs: 60_000 });
    },
  };
}

/** None lost, none invented, within each partition in the order of the commits, repeats only of what had no answer. */
export function expectDelivered({ ids, mirror }: SpoolMirror, read: readonly ReadRecord[]): void {
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const seen = new Map<number, number[]>();
  for (const { partition, headers, value } of read) {
    const number = numbers.get(headers['outrider-record-id'] ?? '') ?? -1;
    expect(Number(JSON.parse(value).body.split(' ')[0])).toBe(number);
    const before = seen.get(partition) ?? [];
    if (!before.includes(number)) seen.set(partition, [...before, number]);
  }
  const all = [...seen.values()];
  for (const partition of all) expect(partition).toEqual(partition.toSorted((a, b) => a - b));
  expect(all.flat().toSorted((a, b) => a - b)).toEqual(ids.map((_, number) => number));
  const { mirrored, failed } = mirror.stats();
  expect(mirrored).toBe(ids.length);
  expect(read.length - ids.length).toBeLessThanOrEqual(failed);
}

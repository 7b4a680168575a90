/** The mirror's way to a real Kafka: alone, and while more failed requests are kept. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { canStartKafka, type KafkaCluster, prepareCluster } from '../../test/helpers/kafka-cluster.ts';
import { MetricSamples } from '../../test/helpers/metric-samples.ts';
import { closedPort } from '../../test/helpers/ports.ts';
import { ROUTE, withRunning } from '../contender.ts';
import type { RunningOutrider } from '../contenders/outrider.ts';
import { type LoadPlan, type Measured, measureLoad, runLoad, writePostScript } from '../load.ts';
import { cpuSeconds, threadCpuSeconds } from '../machine.ts';
import { judgeBudget, round, type Section } from '../report.ts';
import { median } from '../statistics.ts';
import type { RowContext } from './row.ts';

const CONNECTIONS = 200;
const BODY_BYTES = 1024;
const ROUNDS = 3;
const TOPIC = 'failed-requests';
const DRAIN = { what: 'Drain to Kafka alone', atLeast: 15_000, unit: '/s' };
const CPU = { what: "The keeper's CPU for a drained record", atMost: 60, unit: 'µs' };
const CAPTURES = { what: 'Durable captures while the mirror drains', atLeast: 4_000, unit: '/s' };
/** The first sends are slow: the broker compiles what it does with the first batches. */
const WARM_SHARE = 0.1;
/** Each look is a connection to the broker that is measured. */
const SAMPLE_MS = 100;
const DRAIN_MS = 120_000;

interface Drained {
  readonly records: number;
  readonly perSecond: number;
  /** Of the thread that reads, sends and marks. */
  readonly keeperMicros: number;
  /** Of the whole process: V8's collectors and compilers, zlib. */
  readonly processMicros: number;
}

export async function measureDrain(context: RowContext): Promise<Section | null> {
  const rounds = await inRounds(context, async (setting) => {
    const records = await setting.fill(context.options.loadSeconds);
    await setting.kafka.restart();
    return await drain(setting, records);
  });
  if (rounds === null) return null;
  const rate = median(rounds.map(({ perSecond }) => perSecond));
  const keeper = median(rounds.map(({ keeperMicros }) => keeperMicros));
  const whole = median(rounds.map(({ processMicros }) => processMicros));
  return {
    title: 'Drain to Kafka',
    how: `The records of POSTs with a body of ${BODY_BYTES} bytes, kept while Kafka was stopped; then Kafka is started. Timed from the first tenth in the topic to the last record. One broker on the same cores; ${rounds.length} rounds.`,
    table: {
      head: ['records/s', "keeper's CPU a record", "process's", 'records, by round', 'records/s, by round'],
      lines: [
        [
          round(rate),
          `${round(keeper)} µs`,
          `${round(whole)} µs`,
          rounds.map(({ records }) => String(records)).join(', '),
          rounds.map(({ perSecond }) => round(perSecond)).join(', '),
        ],
      ],
    },
    notes: [judgeBudget(DRAIN, rate), judgeBudget(CPU, keeper)],
  };
}

interface Busy extends Measured {
  readonly drainedPerSecond: number;
  readonly left: number;
  readonly commitMs: number;
}

export async function measureCapturesWhileDraining(context: RowContext): Promise<Section | null> {
  const { options } = context;
  const rounds = await inRounds(context, async (setting): Promise<Busy> => {
    const { running, kafka, load } = setting;
    await setting.fill(options.loadSeconds);
    await kafka.restart();
    await until('the first records in the topic', async () => (await kafka.count(TOPIC)) > 0);
    const before = { count: await kafka.count(TOPIC), at: performance.now(), commits: await commitsOf(running) };
    const measured = await measureLoad({ ...load, seconds: options.loadSeconds }, running.pid);
    const seconds = (performance.now() - before.at) / 1_000;
    const drainedPerSecond = ((await kafka.count(TOPIC)) - before.count) / seconds;
    const { pending, ...commits } = await commitsOf(running);
    const commitMs = ((commits.seconds - before.commits.seconds) / (commits.count - before.commits.count)) * 1_000;
    return { ...measured, drainedPerSecond, left: pending, commitMs };
  });
  if (rounds === null) return null;
  const middle = (read: (one: Busy) => number): number => median(rounds.map(read));
  return {
    title: 'Durable captures while the mirror drains',
    how: `As the row of captures, on a spool whose records go to a Kafka on the same cores meanwhile; ${rounds.length} rounds. "Left" waited for Kafka at the end: with 0 there was nothing to drain for a part of the time.`,
    table: {
      head: ['captures/s', 'p50', 'p99', 'mean commit', 'mirrored/s', 'CPU for 10,000', 'left, by round'],
      lines: [
        [
          round(middle((one) => one.requestsPerSecond)),
          `${round(middle((one) => one.p50Ms))} ms`,
          `${round(middle((one) => one.p99Ms))} ms`,
          `${round(middle((one) => one.commitMs))} ms`,
          round(middle((one) => one.drainedPerSecond)),
          `${round(middle((one) => one.cpuSecondsPer10k))} s`,
          rounds.map(({ left }) => String(left)).join(', '),
        ],
      ],
    },
    notes: [
      judgeBudget(
        CAPTURES,
        middle((one) => one.requestsPerSecond),
      ),
    ],
  };
}

interface Setting {
  readonly running: RunningOutrider;
  readonly kafka: KafkaCluster;
  readonly load: Omit<LoadPlan, 'seconds'>;
  /** Keeps failed requests for so many seconds; how many there are. */
  fill(seconds: number): Promise<number>;
}

/** Each round with a topic and a spool of its own, and Kafka stopped. null: Outrider was left out. */
async function inRounds<T>(
  { bench, outrider, say }: RowContext,
  work: (setting: Setting) => Promise<T>,
): Promise<T[] | null> {
  if (outrider === null) return null;
  if (!canStartKafka()) throw new Error('it needs java and mvn on PATH, for a Kafka');
  const rounds: T[] = [];
  for (let number = 0; number < ROUNDS; number += 1) {
    const kafka = await prepareCluster({ folder: mkdtempSync(join(bench.folder, 'kafka-')) });
    try {
      await kafka.restart();
      await kafka.createTopic(TOPIC);
      await kafka.stop();
      const targetUrl = `http://127.0.0.1:${await closedPort()}`;
      const more = { spool: { size: '4Gi' }, kafka: { brokers: kafka.brokers, topic: TOPIC } };
      const starting = outrider.start({ targetUrl, cores: bench.cores.all, ...more });
      const result = await withRunning(outrider.title, starting, (running) => {
        const script = writePostScript(bench.folder, BODY_BYTES);
        const headers = { [ROUTE.header]: ROUTE.value };
        const load = { url: running.url, connections: CONNECTIONS, headers, script, cores: bench.cores.load };
        const fill = async (seconds: number): Promise<number> => {
          await runLoad({ ...load, seconds });
          return (await commitsOf(running)).pending;
        };
        return work({ running, kafka, load, fill });
      });
      rounds.push(result);
      say(`  round ${number + 1}: ${JSON.stringify(result)}`);
    } finally {
      await kafka.kill();
    }
  }
  return rounds;
}

async function drain({ running, kafka }: Setting, records: number): Promise<Drained> {
  const warm = Math.ceil(records * WARM_SHARE);
  await until(`${warm} records in the topic`, async () => (await kafka.count(TOPIC)) >= warm);
  const { pid } = running;
  const used = () => ({ at: performance.now(), keeper: threadCpuSeconds(pid, 'keeper'), process: cpuSeconds(pid) });
  const first = await kafka.count(TOPIC);
  const before = used();
  await until(`${records} records in the topic`, async () => (await kafka.count(TOPIC)) >= records);
  const after = used();
  const drained = records - first;
  const micros = (seconds: number): number => (seconds / drained) * 1_000_000;
  // The last ones are marked after they are in the topic.
  await until('end of what waits for Kafka', async () => (await commitsOf(running)).pending === 0);
  return {
    records,
    perSecond: (drained / (after.at - before.at)) * 1_000,
    keeperMicros: micros(after.keeper - before.keeper),
    processMicros: micros(after.process - before.process),
  };
}

/** @throws Error naming what, after two minutes. */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`no ${what} within ${DRAIN_MS} ms`);
    await pause(SAMPLE_MS);
  }
}

async function commitsOf({
  metricsUrl,
}: RunningOutrider): Promise<{ pending: number; count: number; seconds: number }> {
  const answer = await fetch(metricsUrl, { headers: { connection: 'close' } });
  const samples = new MetricSamples(await answer.text());
  return {
    pending: samples.value('outrider_mirror_pending_records'),
    count: samples.value('outrider_spool_commit_duration_seconds_count'),
    seconds: samples.value('outrider_spool_commit_duration_seconds_sum'),
  };
}

/** One run: start everything, let it go wrong, make it calm, compare. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { outrider as cli } from '../helpers/cli.ts';
import { type KafkaForTest, startKafka, topicName } from '../helpers/kafka.ts';
import { closedPort } from '../helpers/ports.ts';
import { MAY_MOUNT, Volume } from '../helpers/volume.ts';
import { waitFor } from '../helpers/wait.ts';
import { Ambassador } from './ambassador.ts';
import { Comparer } from './compare.ts';
import { Model } from './model.ts';
import { Operations } from './operations.ts';
import { planOf } from './plan.ts';
import { type Report, reportOf } from './report.ts';
import type { RunSize } from './size.ts';
import { startTargets } from './targets.ts';
import { Traffic } from './traffic.ts';

/** Larger than the quota, by what a database needs to be opened beside it. */
const VOLUME_BYTES = 160 << 20;
const QUOTA = '128Mi';
/** Small enough that some bodies are too large for Kafka, and stay in the spool. */
const MAX_RECORD = '300Ki';
const FAILING_SHARE = 0.14;
const DRAIN_MS = 240_000;
const TOLD_EVERY = 10;

export async function runFaults(size: RunSize): Promise<Report> {
  const began = performance.now();
  const topic = topicName('faults');
  const kafka = await startKafka({ topics: [topic], shared: false });
  const model = new Model();
  const volume = MAY_MOUNT ? new Volume(VOLUME_BYTES) : null;
  const folder = temporaryFolder();
  const spoolPath = volume?.path ?? join(folder, 'spool');
  const ambassador = new Ambassador({
    folder,
    port: await closedPort(),
    spool: { path: spoolPath, size: QUOTA },
    outrider: { kafka: { brokers: kafka.brokers, topic, maxRecordBytes: MAX_RECORD } },
    targets: await startTargets(),
  });
  await ambassador.start('drain');
  const traffic = new Traffic({ seed: size.seed, port: ambassador.port, model, rates: ratesOf(size) });
  const operations = new Operations({ ambassador, kafka, traffic, model, volume });
  cleanUp(() => traffic.stop());
  await goThrough(size, model, operations, began).catch((error: Error) => {
    throw new Error(`${error.message}\nOutrider's output:\n${ambassador.output()}`);
  });
  await traffic.stop();
  await settle(ambassador, kafka, spoolPath);
  // Once more, so that what is compared is what a new process finds.
  await ambassador.kill9();
  await ambassador.start('drain');
  await settle(ambassador, kafka, spoolPath);
  await operations.checkLedger(model.promised.length, 'at the end');
  const { code, stdout, stderr } = await cli(['ledger', '--verify', '--admin', ambassador.adminUrl]);
  if (code !== 0) operations.ledgerFaults.push(`ledger --verify ended with ${code}: ${stdout}${stderr}`);
  const comparison = await new Comparer(size.seed, model).compare(ambassador, kafka, topic);
  const ledger = await ambassador.ledger();
  const seconds = (performance.now() - began) / 1000;
  const { done, ledgerFaults } = operations;
  return reportOf({ size, seconds, model, done, comparison, ledger, ledgerFaults, warnings: ambassador.warnings });
}

function ratesOf({ requests, aimSeconds }: RunSize): { readonly live: number; readonly fail: number } {
  const rate = requests / aimSeconds;
  return { live: rate * (1 - FAILING_SHARE), fail: rate * FAILING_SHARE };
}

/** An operation starts when its share of the load has been sent and the one before it is over. */
async function goThrough(size: RunSize, model: Model, operations: Operations, began: number): Promise<void> {
  const plan = planOf(size);
  const sent = (): number => model.sent.live + model.sent.fail;
  const deadline = began + size.maxMinutes * 60_000;
  const left = (): number => Math.max(1, deadline - performance.now());
  for (const [index, operation] of plan.entries()) {
    const share = (size.requests * (index + 1)) / (plan.length + 1);
    await waitFor(() => sent() >= share, { what: `${share} requests`, timeoutMs: left() });
    await operations.perform(operation).catch((error: Error) => {
      throw new Error(`${JSON.stringify(operation)}, ${index + 1} of ${plan.length}: ${error.message}`);
    });
    if ((index + 1) % TOLD_EVERY === 0) {
      const kept = model.promised.length;
      process.stderr.write(`faults: ${index + 1} of ${plan.length} done, ${sent()} requests, ${kept} kept\n`);
    }
  }
  await operations.calm();
  const enough = (): boolean => sent() >= size.requests && model.promised.length >= size.failures;
  await waitFor(enough, { what: `${size.requests} requests, ${size.failures} kept failures`, timeoutMs: left() });
}

/** Nothing waits for Kafka any more, and no file of an earlier fault has records left. */
async function settle(ambassador: Ambassador, kafka: KafkaForTest, spoolPath: string): Promise<void> {
  const isQuiet = async (): Promise<boolean> => {
    if ((await ambassador.metrics()).value('mirror_pending_records') > 0) return false;
    return !readdirSync(spoolPath, { recursive: true }).some((name) => String(name).includes('source-'));
  };
  await waitFor(isQuiet, { what: `nothing to wait for Kafka (${kafka.brokers})`, timeoutMs: DRAIN_MS, everyMs: 200 });
}

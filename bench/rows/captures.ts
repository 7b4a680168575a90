/** Requests whose target is down, each on disk before it is answered. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { closedPort } from '../../test/helpers/ports.ts';
import { ROUTE, withRunning } from '../contender.ts';
import type { RunningOutrider } from '../contenders/outrider.ts';
import { type Measured, measureLoad, runLoad, writePostScript } from '../load.ts';
import { fileSystemOf } from '../machine.ts';
import { judgeBudget, mebibytes, round, type Section } from '../report.ts';
import { median } from '../statistics.ts';
import type { RowContext } from './row.ts';

const CONNECTIONS = 200;
const BODY_BYTES = 1024;
const ROUNDS = 3;
const BUDGET = { what: 'Durable captures', atLeast: 8000, unit: '/s' };
const KEPT = { what: 'Kept for each answered, in the worst round', atLeast: 1, unit: '' };

interface Captures extends Measured {
  /** Records that the ledger counts, over all requests that were answered. */
  readonly kept: number;
  readonly answered: number;
  readonly difference: number;
}

export async function measureCaptures(context: RowContext): Promise<Section | null> {
  const { bench, say } = context;
  if (context.outrider === null) return null;
  const rounds: Captures[] = [];
  for (let number = 0; number < ROUNDS; number += 1) {
    const captures = await measureOne(context);
    rounds.push(captures);
    say(`  round ${number + 1}: ${round(captures.requestsPerSecond)}/s`);
  }
  const middle = (read: (one: Captures) => number): number => median(rounds.map(read));
  const rate = middle((one) => one.requestsPerSecond);
  return {
    title: 'Durable captures, target down',
    how: `POST with a body of ${BODY_BYTES} bytes to a target that refuses connections, ${CONNECTIONS} connections; no Kafka; Outrider on all cores, shared with the load; ${ROUNDS} rounds. Kept may be more than answered: wrk hangs up on what is in flight at its end.`,
    table: {
      head: [
        'captures/s',
        'p50',
        'p99',
        'CPU for 10,000',
        'RssAnon',
        'kept / answered',
        'ledger difference',
        'fsyncs/s of the disk',
      ],
      lines: [
        [
          round(rate),
          `${round(middle((one) => one.p50Ms))} ms`,
          `${round(middle((one) => one.p99Ms))} ms`,
          `${round(middle((one) => one.cpuSecondsPer10k))} s`,
          mebibytes(middle((one) => one.rssAnonPeak)),
          rounds.map((one) => `${one.kept} / ${one.answered}`).join(', '),
          rounds.map((one) => one.difference).join(', '),
          round(fsyncsPerSecond(bench.folder)),
        ],
      ],
    },
    notes: [
      judgeBudget(BUDGET, rate),
      judgeBudget(KEPT, Math.min(...rounds.map((one) => one.kept / one.answered))),
      `The spool is on ${fileSystemOf(bench.folder)}.`,
    ],
  };
}

async function measureOne({ bench, options, outrider }: RowContext): Promise<Captures> {
  if (outrider === null) throw new Error('Outrider was left out');
  const targetUrl = `http://127.0.0.1:${await closedPort()}`;
  const starting = outrider.start({ targetUrl, cores: bench.cores.all, spool: { size: '4Gi' } });
  return withRunning(outrider.title, starting, async (running) => {
    await expectRecord(running);
    const script = writePostScript(bench.folder, BODY_BYTES);
    const headers = { [ROUTE.header]: ROUTE.value };
    const load = { url: running.url, connections: CONNECTIONS, headers, script, cores: bench.cores.load };
    const warm = await runLoad({ ...load, seconds: options.warmSeconds });
    const measured = await measureLoad({ ...load, seconds: options.loadSeconds }, running.pid);
    const { captured, difference } = await ledgerOf(running);
    if (measured.refused !== measured.requests) throw new Error('some requests were answered as if the target were up');
    return { ...measured, kept: captured, answered: 1 + warm.requests + measured.requests, difference };
  });
}

/** One request must come back with the id of its record, or the row would measure something else. */
async function expectRecord({ url }: RunningOutrider): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: 'x', headers: { [ROUTE.header]: ROUTE.value } });
  const text = await answer.text();
  if (answer.headers.get('outrider-record') !== null) return;
  throw new Error(`a request to a target that is down was answered ${answer.status} without outrider-record: ${text}`);
}

async function ledgerOf({ ledgerUrl }: RunningOutrider): Promise<{ captured: number; difference: number }> {
  const answer = await fetch(ledgerUrl);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`the ledger answered ${answer.status}: ${text}`);
  const { captured, difference }: { captured: number; difference: number } = JSON.parse(text);
  return { captured, difference };
}

/** What the disk gives at most to one writer: 4 KiB appended and fsynced, for half a second. */
function fsyncsPerSecond(folder: string): number {
  const path = join(folder, 'fsync');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096);
  const started = performance.now();
  let count = 0;
  for (; performance.now() - started < 500; count += 1) {
    writeSync(file, page);
    fsyncSync(file);
  }
  closeSync(file);
  rmSync(path);
  return (count / (performance.now() - started)) * 1000;
}

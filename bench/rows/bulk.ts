/** One large body each way: how much memory it takes, and how fast it goes. */
import { anonymousMemory } from '../../test/helpers/process-facts.ts';
import { type Contender, ROUTE, withRunning } from '../contender.ts';
import { type BulkTarget, download, startBulkTarget, upload } from '../node-bulk.ts';
import { judgeBudget, mebibytes, type Section } from '../report.ts';
import { median, orderOfRound } from '../statistics.ts';
import type { RowContext } from './row.ts';

const ROUNDS = 3;
const SAMPLE_MS = 20;
const BUDGET = { what: 'RssAnon, up and down', atMost: 32, unit: 'MiB more' };

interface Bulk {
  readonly idle: number;
  readonly upPeak: number;
  readonly downPeak: number;
  readonly upSeconds: number;
  readonly downSeconds: number;
}

export async function measureBulk(context: RowContext): Promise<Section> {
  const { contenders, options, say } = context;
  const results = new Map<string, Bulk[]>(contenders.map(({ name }) => [name, []]));
  const target = await startBulkTarget(options.bulkBytes);
  try {
    for (let number = 0; number < ROUNDS; number += 1) {
      for (const contender of orderOfRound(contenders, number)) {
        const bulk = await measureOne(context, contender, target);
        results.get(contender.name)?.push(bulk);
        say(`  round ${number + 1}: ${contender.name} ${mebibytes(growth(bulk))} more`);
      }
    }
  } finally {
    await target.close();
  }
  const ours = results.get('outrider');
  return {
    title: `A body of ${mebibytes(options.bulkBytes)}, up and down`,
    how: `One POST, then one GET, with a Content-Length, against a target in the script's own process, on a process that has served one small request; ${ROUNDS} rounds. "More" is the highest RssAnon above that of the idle process.`,
    table: {
      head: ['', 'idle', 'more going up', 'more coming down', 'up', 'down'],
      lines: contenders.map(({ name, title }) => [title, ...cells(results.get(name) ?? [], options.bulkBytes)]),
    },
    notes: ours === undefined ? [] : [judgeBudget(BUDGET, median(ours.map(growth)) / 2 ** 20)],
  };
}

function growth({ idle, upPeak, downPeak }: Bulk): number {
  return Math.max(upPeak, downPeak) - idle;
}

function cells(bulks: readonly Bulk[], bytes: number): string[] {
  const middle = (read: (bulk: Bulk) => number): number => median(bulks.map(read));
  const speed = (seconds: number): string => `${mebibytes(bytes / seconds)}/s`;
  return [
    mebibytes(middle((bulk) => bulk.idle)),
    mebibytes(middle((bulk) => bulk.upPeak - bulk.idle)),
    mebibytes(middle((bulk) => bulk.downPeak - bulk.idle)),
    speed(middle((bulk) => bulk.upSeconds)),
    speed(middle((bulk) => bulk.downSeconds)),
  ];
}

function measureOne({ bench, options }: RowContext, contender: Contender, target: BulkTarget): Promise<Bulk> {
  const starting = contender.start({ targetUrl: target.url, cores: bench.cores.proxy });
  const headers = { [ROUTE.header]: ROUTE.value };
  return withRunning(contender.title, starting, async ({ url, pid }) => {
    await upload(`${url}/up`, headers, 1);
    const idle = anonymousMemory(pid);
    const up = await withPeak(pid, () => upload(`${url}/up`, headers, options.bulkBytes));
    const down = await withPeak(pid, () => download(`${url}/down`, headers, options.bulkBytes));
    return { idle, upPeak: up.peak, downPeak: down.peak, upSeconds: up.result, downSeconds: down.result };
  });
}

async function withPeak<T>(pid: number, work: () => Promise<T>): Promise<{ result: T; peak: number }> {
  let peak = anonymousMemory(pid);
  const sampler = setInterval(() => {
    peak = Math.max(peak, anonymousMemory(pid));
  }, SAMPLE_MS);
  try {
    return { result: await work(), peak };
  } finally {
    clearInterval(sampler);
  }
}

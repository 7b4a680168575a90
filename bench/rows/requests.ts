/** Requests per second on one core, keep-alive, 50 connections: plain GETs, and POSTs with a body of 1 KiB. */
import { type Contender, ROUTE, withRunning } from '../contender.ts';
import { type LoadPlan, type LoadResult, type Measured, measureLoad, runLoad, writePostScript } from '../load.ts';
import { SMALL_BODY } from '../nginx.ts';
import type { ContenderName } from '../options.ts';
import { type Budget, judgeBudget, mebibytes, round, type Section } from '../report.ts';
import { median, medianRatio, orderOfRound } from '../statistics.ts';
import type { RowContext } from './row.ts';

const CONNECTIONS = 50;
const POST_BYTES = 1024;
/** Above it, the load side may be what limits. */
const LOAD_BUSY = 0.9;
/** Below it, something else was the limit. */
const CORE_SHARE = 0.9;

const BUDGETS: Partial<Record<ContenderName, number>> = { express: 1.7, go: 1.2, envoy: 0.9 };

export async function measureRequests(context: RowContext): Promise<Section> {
  const { rounds } = context.options;
  const section = await measure(context, rounds, '');
  return {
    ...section,
    title: 'Requests per second, one core',
    how: `GET with \`${ROUTE.header}: ${ROUTE.value}\`, answers of ${SMALL_BODY} bytes, ${CONNECTIONS} connections with keep-alive; ${rounds} rounds.`,
  };
}

export async function measurePosts(context: RowContext): Promise<Section> {
  const rounds = Math.min(context.options.rounds, 3);
  const section = await measure(context, rounds, writePostScript(context.bench.folder, POST_BYTES));
  return {
    ...section,
    title: 'The same with request bodies',
    how: `POST with a body of ${POST_BYTES} bytes, otherwise as above; ${rounds} rounds. Outrider keeps a copy until the answer is there.`,
  };
}

type Results = ReadonlyMap<ContenderName, Measured[]>;

async function measure(context: RowContext, rounds: number, script: string): Promise<Pick<Section, 'table' | 'notes'>> {
  const { contenders, target, options, say } = context;
  const results: Results = new Map(contenders.map(({ name }) => [name, []]));
  const direct: LoadResult[] = [];
  for (let number = 0; number < rounds; number += 1) {
    direct.push(await runLoad({ ...loadPlan(context, target.url, script), seconds: options.warmSeconds }));
    for (const contender of orderOfRound(contenders, number)) {
      const measured = await measureOne(context, contender, script);
      results.get(contender.name)?.push(measured);
      say(`  round ${number + 1}: ${contender.name} ${round(measured.requestsPerSecond)}/s`);
    }
  }
  return { table: tableOf(contenders, results, direct), notes: notesOf(contenders, results, direct, script === '') };
}

function loadPlan({ bench, options }: RowContext, url: string, script: string): LoadPlan {
  const headers = { [ROUTE.header]: ROUTE.value };
  return {
    url: `${url}/api/thing`,
    connections: CONNECTIONS,
    seconds: options.loadSeconds,
    headers,
    script,
    cores: bench.cores.load,
  };
}

/** Warmed up, measured, stopped. @throws Error when an answer was not the target's. */
function measureOne(context: RowContext, contender: Contender, script: string): Promise<Measured> {
  const starting = contender.start({ targetUrl: context.target.url, cores: context.bench.cores.proxy });
  return withRunning(contender.title, starting, async (running) => {
    const plan = loadPlan(context, running.url, script);
    await runLoad({ ...plan, seconds: context.options.warmSeconds });
    const measured = await measureLoad(plan, running.pid);
    const { refused, socketErrors } = measured;
    if (refused + socketErrors > 0) throw new Error(`${refused} bad answers, ${socketErrors} socket errors`);
    return measured;
  });
}

function tableOf(contenders: readonly Contender[], results: Results, direct: readonly LoadResult[]): Section['table'] {
  const ours = results.get('outrider');
  const lines = contenders.map(({ name, title }) => {
    const measured = results.get(name) ?? [];
    const middle = (read: (one: Measured) => number): number => median(measured.map(read));
    const ratio = (read: (one: Measured) => number): string =>
      ours === undefined || ours === measured ? '' : `${round(medianRatio(ours.map(read), measured.map(read)))} ×`;
    return [
      title,
      round(middle((one) => one.requestsPerSecond)),
      ratio((one) => one.requestsPerSecond),
      ratio((one) => 1 / one.cpuSecondsPer10k),
      `${round(middle((one) => one.p50Ms))} ms`,
      `${round(middle((one) => one.p99Ms))} ms`,
      `${round(middle((one) => one.cpuSecondsPer10k))} s`,
      mebibytes(middle((one) => one.rssAnonPeak)),
      `${Math.round(100 * middle((one) => one.coreShare))} %`,
    ];
  });
  const without = [
    'no proxy',
    round(median(rates(direct))),
    '',
    '',
    `${round(median(direct.map((one) => one.p50Ms)))} ms`,
    `${round(median(direct.map((one) => one.p99Ms)))} ms`,
    '',
    '',
    '',
  ];
  const head = ['', 'requests/s', 'Outrider is', 'by CPU', 'p50', 'p99', 'CPU for 10,000', 'RssAnon', 'core'];
  return { head, lines: [...lines, without] };
}

function notesOf(
  contenders: readonly Contender[],
  results: Results,
  direct: readonly LoadResult[],
  withBudget: boolean,
): string[] {
  const ours = results.get('outrider');
  const budgets = contenders.flatMap(({ name }) => {
    const atLeast = BUDGETS[name];
    const theirs = results.get(name);
    if (!withBudget || ours === undefined || theirs === undefined || atLeast === undefined) return [];
    const budget: Budget = { what: `Outrider against ${name}`, atLeast, unit: '×' };
    return [judgeBudget(budget, medianRatio(rates(ours), rates(theirs)))];
  });
  return [...budgets, ...disturbances([...results.values()].flat(), median(rates(direct)))];
}

/** What may have limited the measurement other than what was measured. */
function disturbances(all: readonly Measured[], direct: number): string[] {
  const busiest = Math.max(...all.map((one) => one.loadBusy));
  const share = Math.round((100 * Math.max(...rates(all))) / direct);
  const load = `The load side: its core was ${Math.round(busiest * 100)} % busy at most, and the fastest proxy reached ${share} % of what target and load do without one`;
  const notes = [
    `${load}${busiest > LOAD_BUSY ? ': **the load may have been the limit**' : ', so it was not the limit'}.`,
  ];
  const starved = all.filter((one) => one.coreShare < CORE_SHARE).length;
  if (starved > 0) {
    notes.push(
      `**Disturbed**: in ${starved} of ${all.length} measurements the proxy got less than ${CORE_SHARE * 100} % of its core, as other work ran on the machine; "by CPU" (CPU seconds for a request) is then the fairer ratio.`,
    );
  }
  return notes;
}

function rates(results: readonly LoadResult[]): number[] {
  return results.map((one) => one.requestsPerSecond);
}

/** Whether many rules cost anything. */
import { ROUTE, withRunning } from '../contender.ts';
import { type Measured, measureLoad, runLoad } from '../load.ts';
import { judgeBudget, mebibytes, round, type Section } from '../report.ts';
import { median, medianRatio, orderOfRound } from '../statistics.ts';
import type { RowContext } from './row.ts';

const COUNTS = [1, 10_000] as const;
const BUDGET = { what: '10,000 rules against one', atLeast: 0.95, unit: '×' };

export async function measureRules(context: RowContext): Promise<Section | null> {
  const { options, say } = context;
  if (context.outrider === null) return null;
  const results = new Map<number, Measured[]>(COUNTS.map((count) => [count, []]));
  for (let number = 0; number < options.rounds; number += 1) {
    for (const count of orderOfRound(COUNTS, number)) {
      const measured = await measureOne(context, count);
      results.get(count)?.push(measured);
      say(`  round ${number + 1}: ${count} rules ${round(measured.requestsPerSecond)}/s`);
    }
  }
  const [one = [], many = []] = COUNTS.map((count) => results.get(count));
  const ratio = (read: (measured: Measured) => number): number => medianRatio(many.map(read), one.map(read));
  return {
    title: 'Many rules',
    how: `As the first row, with header-equality rules of which the last matches; ${options.rounds} rounds.`,
    table: {
      head: ['rules', 'requests/s', 'p99', 'CPU for 10,000', 'RssAnon', 'core'],
      lines: COUNTS.map((count) => [round(count), ...cells(results.get(count) ?? [])]),
    },
    notes: [
      judgeBudget(
        BUDGET,
        ratio((measured) => measured.requestsPerSecond),
      ),
      `By CPU: ${round(ratio((measured) => 1 / measured.cpuSecondsPer10k))} ×`,
    ],
  };
}

function cells(measured: readonly Measured[]): string[] {
  const middle = (read: (one: Measured) => number): number => median(measured.map(read));
  return [
    round(middle((one) => one.requestsPerSecond)),
    `${round(middle((one) => one.p99Ms))} ms`,
    `${round(middle((one) => one.cpuSecondsPer10k))} s`,
    mebibytes(middle((one) => one.rssAnonPeak)),
    `${Math.round(100 * middle((one) => one.coreShare))} %`,
  ];
}

async function measureOne({ bench, options, target, outrider }: RowContext, rules: number): Promise<Measured> {
  if (outrider === null) throw new Error('Outrider was left out');
  const starting = outrider.start({ targetUrl: target.url, cores: bench.cores.proxy, rules });
  return withRunning(`${outrider.title} with ${rules} rules`, starting, async ({ url, pid }) => {
    const load = { connections: 50, headers: { [ROUTE.header]: ROUTE.value }, script: '', cores: bench.cores.load };
    await runLoad({ ...load, url, seconds: options.warmSeconds });
    return await measureLoad({ ...load, url, seconds: options.loadSeconds }, pid);
  });
}

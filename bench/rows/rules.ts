/** Whether many rules cost anything. */
import { ROUTE } from '../contender.ts';
import { type Measured, measureLoad, runLoad } from '../load.ts';
import { judgeBudget, round, type Section } from '../report.ts';
import { median, medianRatio, orderOfRound } from '../statistics.ts';
import type { RowContext } from './row.ts';

const COUNTS = [1, 10_000] as const;
const BUDGET = { what: '10,000 rules against one', atLeast: 0.95, unit: '×' };

export async function measureRules(context: RowContext): Promise<Section | null> {
  const { options, say } = context;
  if (context.outrider === null) return null;
  const results = new Map<number, number[]>(COUNTS.map((count) => [count, []]));
  for (let number = 0; number < options.rounds; number += 1) {
    for (const count of orderOfRound(COUNTS, number)) {
      const { requestsPerSecond } = await measureOne(context, count);
      results.get(count)?.push(requestsPerSecond);
      say(`  round ${number + 1}: ${count} rules ${round(requestsPerSecond)}/s`);
    }
  }
  const [one, many] = COUNTS.map((count) => results.get(count) ?? []);
  return {
    title: 'Many rules',
    how: `As the first row, with header-equality rules of which the last matches; ${options.rounds} rounds.`,
    table: {
      head: ['rules', 'requests/s'],
      lines: COUNTS.map((count) => [String(count), round(median(results.get(count) ?? []))]),
    },
    notes: [judgeBudget(BUDGET, medianRatio(many ?? [], one ?? []))],
  };
}

async function measureOne({ bench, options, target, outrider }: RowContext, rules: number): Promise<Measured> {
  if (outrider === null) throw new Error('Outrider was left out');
  const running = await outrider.start({ targetUrl: target.url, cores: bench.cores.proxy, rules });
  try {
    const headers = { [ROUTE.header]: ROUTE.value };
    const plan = {
      url: running.url,
      connections: 50,
      seconds: options.loadSeconds,
      headers,
      script: '',
      cores: bench.cores.load,
    };
    await runLoad({ ...plan, seconds: options.warmSeconds });
    return await measureLoad(plan, running.pid);
  } finally {
    await running.stop();
  }
}

/** How long Outrider takes until it serves. */
import { withRunning } from '../contender.ts';
import type { RunningOutrider } from '../contenders/outrider.ts';
import { judgeBudget, round, type Section } from '../report.ts';
import { median } from '../statistics.ts';
import type { RowContext } from './row.ts';

const BUDGET = { what: 'Start to listening', atMost: 250, unit: 'ms' };

export async function measureStart({ bench, options, target, outrider, say }: RowContext): Promise<Section | null> {
  if (outrider === null) return null;
  const starts: { listening: number; started: number; own: number }[] = [];
  // The first one fills the page cache.
  for (let number = -1; number < options.starts; number += 1) {
    const starting = outrider.start({ targetUrl: target.url, cores: bench.cores.proxy });
    const times = await withRunning(outrider.title, starting, timesOf);
    say(`  start ${number + 1}: ${round(times.listening)} ms`);
    if (number >= 0) starts.push(times);
  }
  const listening = starts.map((one) => one.listening);
  const line = (what: string, values: readonly number[]): string[] => [
    what,
    ...[median(values), Math.min(...values), Math.max(...values)].map((value) => `${round(value)} ms`),
  ];
  return {
    title: 'Start',
    how: `From the start of the process, on one core, with an empty spool; ${options.starts} starts after one that warms the page cache.`,
    table: {
      head: ['until', 'median', 'fastest', 'slowest'],
      lines: [
        line('the listener accepts', listening),
        line(
          '`/startupz` answers 200',
          starts.map((one) => one.started),
        ),
        line(
          'the log says `listening`, by its own clock',
          starts.map((one) => one.own),
        ),
      ],
    },
    notes: [judgeBudget(BUDGET, median(listening))],
  };
}

async function timesOf(running: RunningOutrider): Promise<{ listening: number; started: number; own: number }> {
  return { listening: running.listeningMs, started: running.startedMs, own: await running.ownMs() };
}

/** What a run found, for people and for machines. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_RECORDS } from '../../src/record/mirror-batch.ts';
import type { Ledger } from './ambassador.ts';
import type { Comparison } from './compare.ts';
import { type Model, percentile } from './model.ts';
import type { RunSize } from './size.ts';

export interface Findings {
  readonly size: RunSize;
  readonly seconds: number;
  readonly model: Model;
  readonly done: ReadonlyMap<string, number>;
  readonly comparison: Comparison;
  readonly ledger: Ledger;
  readonly ledgerFaults: readonly string[];
  readonly warnings: ReadonlyMap<string, number>;
}

export interface Report {
  readonly seed: number;
  readonly seconds: number;
  readonly requests: number;
  readonly failuresKept: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly operations: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly invented: number;
  readonly duplicates: number;
  readonly duplicatesAllowed: number;
  readonly disordered: number;
  readonly recordsInTopic: number;
  readonly differentRecords: number;
  readonly onlyInSpool: number;
  readonly partial: number;
  readonly ledger: Ledger;
  readonly ledgerFaults: readonly string[];
  readonly live: {
    readonly answered: number;
    readonly whileTheProcessWasGone: number;
    readonly errors: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly calmP99Ms: number;
  };
  readonly warnings: Readonly<Record<string, number>>;
  /** The first of each, in words. */
  readonly examples: readonly string[];
}

/** Records in one send: what may be in flight, and so come twice, when a fault strikes. */
const IN_FLIGHT = MAX_RECORDS;
const EXAMPLES = 20;

export function reportOf({ size, seconds, model, done, comparison, ledger, ledgerFaults, warnings }: Findings): Report {
  const { lost, invented, disordered } = comparison;
  const faults = [...done.values()].reduce((sum, count) => sum + count, 0);
  const ms = (values: readonly number[], share: number): number => Math.round(percentile(values, share) * 10) / 10;
  return {
    seed: size.seed,
    seconds: Math.round(seconds),
    requests: model.sent.live + model.sent.fail,
    failuresKept: model.promised.length,
    outcomes: { ...Object.fromEntries(model.outcomes), unanswered: model.unanswered },
    operations: Object.fromEntries([...done].sort()),
    lost: lost.length,
    invented: invented.length,
    duplicates: comparison.duplicates,
    duplicatesAllowed: faults * IN_FLIGHT,
    disordered: disordered.length,
    recordsInTopic: comparison.inTopic,
    differentRecords: comparison.records,
    onlyInSpool: comparison.onlyInSpool,
    partial: comparison.partial,
    ledger,
    ledgerFaults,
    live: {
      answered: model.latencies.length,
      whileTheProcessWasGone: model.excused,
      errors: model.liveErrors.length,
      p50Ms: ms(model.latencies, 0.5),
      p99Ms: ms(model.latencies, 0.99),
      calmP99Ms: ms(model.calmLatencies, 0.99),
    },
    warnings: withoutPaths(warnings),
    examples: [lost, invented, disordered, model.liveErrors, ledgerFaults].flatMap((list) => list.slice(0, EXAMPLES)),
  };
}

/** The same line of two runs is the same. */
function withoutPaths(warnings: ReadonlyMap<string, number>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [line, count] of warnings) {
    const plain = line.replaceAll(/(?:\/[\w.-]+)*\/outrider-test-\w+/g, '…').replaceAll(/faults-[0-9a-f]{8}/g, 'TOPIC');
    counts[plain] = (counts[plain] ?? 0) + count;
  }
  return counts;
}

export function renderReport(report: Report): string {
  const { live, ledger, operations, outcomes } = report;
  const listed = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', report.seed],
    ['duration', `${report.seconds} s`],
    ['requests', report.requests],
    ['failures kept', report.failuresKept],
    ['what callers of failures were told', listed(outcomes)],
    ['done to it', listed(operations)],
    ['lost', report.lost],
    ['invented', report.invented],
    ['out of order', report.disordered],
    ['records in the topic', report.recordsInTopic],
    ['different records, topic and spool', report.differentRecords],
    ['of those only in the spool whole', report.onlyInSpool],
    ['of those without all of the body', report.partial],
    ['duplicates in the topic', `${report.duplicates} (at most ${report.duplicatesAllowed} may have been in flight)`],
    ['ledger', `captured ${ledger.captured}, difference ${ledger.difference}`],
    ['ledger faults', report.ledgerFaults.length],
    ['live requests answered', live.answered],
    ['live errors', `${live.errors}, and ${live.whileTheProcessWasGone} while the process was gone`],
    ['live latency', `p50 ${live.p50Ms} ms, p99 ${live.p99Ms} ms (${live.calmP99Ms} ms while nothing was broken)`],
    ['logged at warn and above', listed(report.warnings)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return [...lines, ...report.examples.map((example) => `! ${example}`)].join('\n');
}

export function writeReport(report: Report, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'faults-report.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, 'faults-report.txt'), `${renderReport(report)}\n`);
}

/** Writes docs/metrics.md from the catalog: `node scripts/metrics-doc.ts`. A test compares the two. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUCKETS, CATALOG, type MetricDefinition } from '../src/watch/catalog.ts';
import type { LabelDefinition } from '../src/watch/labels.ts';

const INTRODUCTION = `# Metrics

\`/metrics\` on \`metrics.address\` (\`*:5090\`) serves the text format 0.0.4 of Prometheus, beside \`/livez\`, \`/readyz\` and
\`/startupz\`. This page is generated from \`src/watch/catalog.ts\` by \`node scripts/metrics-doc.ts\`.

- Where every value of every label of a metric is listed below, all its series are there from the first scrape, with 0,
  so that \`increase()\` and \`rate()\` see the first event. So are \`outrider_failures_total\` for every reason, and
  \`outrider_captures_total{result="failed"}\`, of each rule and target that has had traffic.
- Names of rules and of targets become labels for the first \`metrics.maxRules\` (200) of each; the rest share \`other\`.
- Histograms have the buckets ${BUCKETS.map((bound) => `\`${bound}\``).join(', ')} and \`+Inf\`, in seconds.
- Counts live in memory that both threads share: they start at 0 with the process, not with the keeper thread. The
  counts of \`outrider_mirror_records_total\` and the keeper's own (spool errors, commits) start with the keeper.
- The default metrics of prom-client (\`process_…\`, \`nodejs_…\`) are there under their own names. Those of the process
  (memory, CPU, files) are of the whole process; those of an isolate (heap, collector, event loop) are the keeper's.
`;

const WRITERS = { path: 'Traffic', keeper: 'Spool, mirror, configuration', reserved: 'Reserved' } as const;
const NOTES: Readonly<Record<keyof typeof WRITERS, string>> = {
  path: 'Counted by the thread that forwards.',
  keeper: 'Told by the thread that keeps.',
  reserved: 'Names that later features will use. This version does not export them.',
};

/** The whole page. */
export function metricsPage(): string {
  const sections = (['path', 'keeper', 'reserved'] as const).map((writer) => {
    const rows = CATALOG.filter((metric) => metric.writer === writer).map(tableRow);
    const head = '| metric | type | labels | meaning |\n|---|---|---|---|';
    return `## ${WRITERS[writer]}\n\n${NOTES[writer]}\n\n${[head, ...rows].join('\n')}\n`;
  });
  return [INTRODUCTION, ...sections].join('\n');
}

function tableRow({ name, type, labels, help }: MetricDefinition): string {
  const cell = labels.length === 0 ? 'none' : labels.map(describeLabel).join('<br>');
  return `| \`${name}\` | ${type} | ${cell} | ${help} |`;
}

function describeLabel({ name, values, meaning }: LabelDefinition): string {
  const listed = values === null ? '' : `: ${values.map((value) => `\`${value}\``).join(', ')}`;
  return `**${name}**: ${meaning}${listed}`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '../docs/metrics.md'), metricsPage());

/** The results as Markdown. */
export interface Table {
  readonly head: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

export interface Section {
  readonly title: string;
  /** What was done, in a paragraph. */
  readonly how: string;
  readonly table: Table;
  /** Held against budgets, and what may have disturbed it. */
  readonly notes: readonly string[];
}

/** At least, or at most, so much. */
export interface Budget {
  readonly what: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly unit: string;
}

/** `2.1 × (budget: at least 1.7 ×): met`; what is missed is in capitals. */
export function judgeBudget({ what, atLeast, atMost, unit }: Budget, measured: number): string {
  const isMet = (atLeast === undefined || measured >= atLeast) && (atMost === undefined || measured <= atMost);
  const limit = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  const measuredText = `${round(measured)} ${unit}`.trim();
  return `${what}: **${measuredText}** (budget: ${`${limit} ${unit}`.trim()}): ${isMet ? 'met' : '**MISSED**'}`;
}

/** Three significant digits, and thousands apart. */
export function round(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

export function mebibytes(bytes: number): string {
  return `${round(bytes / 2 ** 20)} MiB`;
}

export function renderSection({ title, how, table, notes }: Section): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [
    row(table.head),
    row(table.head.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...table.lines.map(row),
  ];
  return [`## ${title}`, how, lines.join('\n'), notes.map((note) => `- ${note}`).join('\n')]
    .filter((part) => part !== '')
    .join('\n\n');
}

export interface Facts {
  readonly date: string;
  readonly machine: string;
  /** Name and version of everything that took part. */
  readonly versions: readonly string[];
  /** What could not be measured, with the reason. */
  readonly missing: readonly string[];
  readonly command: string;
}

export function renderReport(facts: Facts, sections: readonly Section[]): string {
  const missing = facts.missing.map((reason) => `- not measured: ${reason}`);
  const list = [`- ${facts.date}, ${facts.machine}`, ...facts.versions.map((version) => `- ${version}`), ...missing];
  const how = [
    `Written by \`${facts.command}\`; the ratios carry over to another machine, the absolute figures don't.`,
    'A fresh process for each measurement, pinned to core 0; target (nginx), load (wrk) and the script on the others.',
    'The order of the contenders is reversed each round; figures are medians, ratios are medians of the ratios within a round.',
    '"Core" is the share of its core that the process got: well below 100 %, something else was the limit.',
  ];
  return `${['# Results', how.join('\n'), list.join('\n'), ...sections.map(renderSection)].join('\n\n')}\n`;
}

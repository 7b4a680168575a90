import { judgeBudget, mebibytes, renderReport, renderSection, round, type Section } from '../../bench/report.ts';

const SECTION: Section = {
  title: 'Start',
  how: 'Ten times.',
  table: { head: ['', 'median'], lines: [['Outrider', '120 ms']] },
  notes: ['met'],
};

test('a budget is met at its limit and missed beyond it, upwards and downwards', () => {
  const least = { what: 'Rate', atLeast: 1.7, unit: '×' };
  expect(judgeBudget(least, 1.7)).toBe('Rate: **1.7 ×** (budget: at least 1.7 ×): met');
  expect(judgeBudget(least, 1.69)).toBe('Rate: **1.69 ×** (budget: at least 1.7 ×): **MISSED**');
  const most = { what: 'Start', atMost: 250, unit: 'ms' };
  expect(judgeBudget(most, 250)).toMatch(/: met$/);
  expect(judgeBudget(most, 251)).toBe('Start: **251 ms** (budget: at most 250 ms): **MISSED**');
});

test('numbers show three digits, and thousands apart', () => {
  expect([1234567.8, 123.4, 12.34, 1.234, 0.1234].map(round)).toEqual(['1,234,568', '123', '12.3', '1.23', '0.12']);
  expect(mebibytes(1.5 * 2 ** 20)).toBe('1.5 MiB');
});

test('a section is a heading, what was done, a table, and notes', () => {
  expect(renderSection(SECTION)).toBe(
    '## Start\n\nTen times.\n\n|  | median |\n| --- | ---: |\n| Outrider | 120 ms |\n\n- met',
  );
  expect(renderSection({ ...SECTION, notes: [] })).toMatch(/120 ms \|$/);
});

test('the report names machine, date, versions, how to repeat it, and what is missing', () => {
  const facts = {
    date: '2026-02-03',
    machine: '2 cores',
    versions: ['Outrider 1.2.3'],
    missing: ['go: not on PATH'],
    command: 'npm run bench',
  };
  const report = renderReport(facts, [SECTION]);
  expect(report).toContain('Written by `npm run bench`');
  expect(report).toContain('- 2026-02-03, 2 cores\n- Outrider 1.2.3\n- not measured: go: not on PATH\n');
  expect(report.endsWith('- met\n')).toBe(true);
});

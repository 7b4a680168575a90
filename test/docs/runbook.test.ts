import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOG } from '../../src/watch/catalog.ts';
import { outrider } from '../helpers/cli.ts';
import { at, parseYaml } from '../helpers/helm.ts';
import { readAlertRules } from '../monitoring/alert-rules.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
const rules = readAlertRules();

/** Text of each `###` section by its heading. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.split('\n', 1)[0] ?? '', text.replace(/^## [\s\S]*/m, '')] as const),
);

test('the runbook has a section for each alert, in their order, and for nothing else', () => {
  expect([...sections.keys()]).toEqual(rules.map(({ alert }) => alert));
});

test.each(rules.map((rule) => [rule.alert, rule] as const))(
  'runbook_url of %s leads to its section, which says severity, meaning and what to do',
  (alert, { labels, annotations }) => {
    expect(annotations.runbook_url).toBe(`https://outrider.dev/docs/runbook.md#${alert.toLowerCase()}`);
    const section = sections.get(alert) ?? '';
    expect(section).toContain(`**${labels.severity}.**`);
    expect(section).toMatch(/^\*\*Do\*\*/m);
    expect(section).toMatch(/^\*\*Means\*\*/m);
  },
);

test('every metric that it names is there', () => {
  const named = [...page.matchAll(/`(outrider_[a-z_]+)`/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) expect(CATALOG.map((metric) => metric.name)).toContain(name);
});

test('every flag that it gives a command is one of that command', async () => {
  const calls = [...page.matchAll(/outrider (records|ledger|validate)((?: (?:--?[a-z-]+|[a-z0-9]+|ID|TARGET))*)/g)];
  const flags = new Map<string, Set<string>>();
  for (const [, command = '', rest = ''] of calls) {
    const known = flags.get(command) ?? new Set();
    for (const [flag] of rest.matchAll(/--[a-z-]+/g)) known.add(flag);
    flags.set(command, known);
  }
  expect([...(flags.get('records') ?? [])]).toEqual(expect.arrayContaining(['--state', '--mirror', '--json']));
  for (const [command, given] of flags) {
    const { stdout } = await outrider([command, '--help']);
    for (const flag of given) expect([command, stdout]).toEqual([command, expect.stringContaining(flag)]);
  }
});

test('every value of the chart that it names is there', () => {
  const values = parseYaml(readFileSync(join(import.meta.dirname, '../../chart/values.yaml'), 'utf8'));
  const named = [...page.matchAll(/`((?:monitoring|networkPolicy)\.[a-zA-Z.]+)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect([name, at(values, ...name.split('.'))]).toEqual([name, expect.anything()]);
});

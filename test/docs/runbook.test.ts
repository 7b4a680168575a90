import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

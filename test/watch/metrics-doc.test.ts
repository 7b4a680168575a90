import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsPage } from '../../scripts/metrics-doc.ts';
import { CATALOG } from '../../src/watch/catalog.ts';
import { REJECTIONS } from '../../src/watch/labels.ts';

const root = join(import.meta.dirname, '../..');

test('docs/metrics.md is what scripts/metrics-doc.ts makes of the catalog', () => {
  expect(readFileSync(join(root, 'docs/metrics.md'), 'utf8')).toBe(metricsPage());
});

test('the page has a row for each metric, with every label and every listed value', () => {
  const rows = metricsPage().split('\n');
  for (const { name, type, labels } of CATALOG) {
    const found = rows.filter((row) => row.startsWith(`| \`${name}\` | ${type} |`));
    expect([name, found.length]).toEqual([name, 1]);
    for (const label of labels) {
      expect(found[0]).toContain(`**${label.name}**`);
      for (const value of label.values ?? []) expect(found[0]).toContain(`\`${value}\``);
    }
  }
});

test('every kind of refusal that the path knows is a listed value of outrider_rejected_total', () => {
  const folders = ['src', ...['accept', 'dispatch', 'forward', 'judge', 'record'].map((name) => `src/${name}`)];
  const sources = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );
  const kinds = sources.flatMap((text) => [
    ...text.matchAll(/refuse\([0-9]{3}, '(\w+)'/g),
    ...text.matchAll(/status: [0-9]{3},\s*kind: '(\w+)'/g),
  ]);
  expect(kinds.length).toBeGreaterThan(10);
  for (const [, kind] of kinds) expect(REJECTIONS).toContain(kind);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardText, metricsIn, ROWS } from '../../scripts/dashboard.ts';
import { manifestFiles } from '../../scripts/manifests.ts';
import { CATALOG } from '../../src/watch/catalog.ts';

const ROOT = join(import.meta.dirname, '../..');
const panels = ROWS.flatMap((row) => row.panels);

test.each([...manifestFiles()])('%s is what npm run manifests writes', (path, text) => {
  expect(readFileSync(join(ROOT, path), 'utf8')).toBe(text);
});

test.each(panels.map((panel) => [panel.title, panel] as const))(
  'the queries of "%s" ask for metrics and labels that there are, of the chosen pods',
  (_, { queries }) => {
    for (const { expr } of queries) {
      for (const name of metricsIn(expr)) {
        const metric = CATALOG.find((one) => one.name === name);
        expect([name, metric?.writer]).toEqual([name, expect.stringMatching(/^(path|keeper)$/)]);
      }
      const selectors = [...expr.matchAll(/\b(?:outrider|process)_[a-z_]+(\{[^}]*\})?/g)];
      expect(selectors.length).toBeGreaterThan(0);
      for (const [, selector = ''] of selectors) expect(selector).toContain('namespace=~"$namespace"');
    }
  },
);

test('every metric of the catalog is on the dashboard', () => {
  const shown = new Set(panels.flatMap(({ queries }) => queries.flatMap(({ expr }) => metricsIn(expr))));
  const exported = CATALOG.filter(({ writer }) => writer !== 'reserved').map(({ name }) => name);
  const elsewhere = ['outrider_config_last_reload_success_timestamp_seconds'];
  expect(exported.filter((name) => !shown.has(name))).toEqual(elsewhere);
});

test('no two panels lie on each other, and none is wider than the page', () => {
  const { panels: laid } = JSON.parse(dashboardText()) as {
    panels: { gridPos: { x: number; y: number; w: number; h: number } }[];
  };
  const taken = new Set<string>();
  for (const { x, y, w, h } of laid.map(({ gridPos }) => gridPos)) {
    expect(x + w).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        expect(taken.has(`${column},${line}`)).toBe(false);
        taken.add(`${column},${line}`);
      }
    }
  }
});

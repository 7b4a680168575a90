import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { CATALOG } from '../../src/watch/catalog.ts';

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const FILE = join(import.meta.dirname, '../../deploy/prometheus-rules.yaml');
const { groups } = load(readFileSync(FILE, 'utf8')) as { groups: readonly { readonly rules: readonly AlertRule[] }[] };
const rules = groups.flatMap((group) => group.rules);

test.each(rules.map((rule) => [rule.alert, rule] as const))(
  '%s asks for metrics and label values that there are',
  (_, rule) => {
    const asked: readonly string[] = rule.expr.match(/outrider_[a-z_]+/g) ?? [];
    expect(asked.length).toBeGreaterThan(0);
    for (const name of asked) {
      const metric = CATALOG.find((one) => one.name === name);
      expect([name, metric?.writer]).toEqual([name, expect.stringMatching(/^(path|keeper)$/)]);
    }
    for (const [, label = '', values = ''] of rule.expr.matchAll(/([a-z]+)=~?"([^"]+)"/g)) {
      const known = CATALOG.filter(({ name }) => asked.includes(name))
        .flatMap(({ labels }) => [...labels])
        .find(({ name }) => name === label);
      for (const value of values.split('|')) expect(known?.values ?? [value]).toContain(value);
      expect(known).toBeDefined();
    }
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    expect(rule.annotations.description).toContain('$labels.pod');
  },
);

test('a ledger that does not add up pages someone', () => {
  const rule = rules.find(({ expr }) => expr.includes('outrider_ledger_difference'));
  expect(rule?.labels.severity).toBe('critical');
});

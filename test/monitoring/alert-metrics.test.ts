import { CATALOG } from '../../src/watch/catalog.ts';
import { readAlertRules } from './alert-rules.ts';

/** Of Prometheus and of kube-state-metrics. */
const OTHERS = [
  'up',
  'kube_pod_labels',
  'kube_pod_status_phase',
  'kube_pod_container_info',
  'kube_pod_init_container_info',
];

const rules = readAlertRules();

test.each(rules.map((rule) => [rule.alert, rule] as const))(
  '%s asks for metrics and label values that there are',
  (_, { expr }) => {
    const asked: readonly string[] = expr.match(/\b(?:outrider|kube)_[a-z_]+|\bup(?=\{)/g) ?? [];
    expect(asked.length).toBeGreaterThan(0);
    for (const name of asked.filter((name) => !OTHERS.includes(name))) {
      const metric = CATALOG.find((one) => one.name === name);
      expect([name, metric?.writer]).toEqual([name, expect.stringMatching(/^(path|keeper)$/)]);
    }
    for (const [, name = '', selector = ''] of expr.matchAll(/\b(outrider_[a-z_]+)\{([^}]*)\}/g)) {
      const labels: readonly { name: string; values: readonly string[] | null }[] =
        CATALOG.find((one) => one.name === name)?.labels ?? [];
      for (const [, label = '', values = ''] of selector.matchAll(/([a-z]+)!?=~?"([^"]*)"/g)) {
        const known = labels.find((one) => one.name === label);
        expect([name, label, known?.name]).toEqual([name, label, label]);
        for (const value of values.split('|')) expect(known?.values ?? [value]).toContain(value);
      }
    }
  },
);

test.each(rules.map((rule) => [rule.alert, rule] as const))(
  '%s has a severity, names what it is about, and says what to read',
  (_, { labels, annotations: { summary, description } }) => {
    expect(['critical', 'warning']).toContain(labels.severity);
    expect(summary).not.toMatch(/\{\{|\.$/);
    expect(description).toMatch(/^\{\{ \$labels\.namespace \}\}\/\{\{ \$labels\.(pod|workload) \}\}/);
  },
);

test('what is lost, or may be, is critical; everything else is a warning', () => {
  expect(rules.filter(({ labels }) => labels.severity === 'critical').map(({ alert }) => alert)).toEqual([
    'OutriderCapturesFail',
    'OutriderLedgerDifference',
    'OutriderRecordsQuarantined',
    'OutriderRecordsLost',
    'OutriderSidecarMissing',
  ]);
});

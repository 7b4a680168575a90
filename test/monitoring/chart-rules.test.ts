/** The PrometheusRule of the chart, by a real Helm and a real promtool. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GATEWAY } from '../chart/values.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { at, describeWithHelm, only, refusal, render } from '../helpers/helm.ts';
import { describeWithPromtool, promtool } from '../helpers/promtool.ts';
import { ALERT_CASES } from './alert-cases.ts';
import { type AlertRule, readAlertRules } from './alert-rules.ts';
import { promtoolTests } from './promtool-tests.ts';

const withRule = (prometheusRule: object = {}) => ({
  ...GATEWAY,
  monitoring: { prometheusRule: { enabled: true, ...prometheusRule } },
});

/** What the operator would write for Prometheus. */
async function renderedRules(values: object): Promise<{ file: string; rules: readonly AlertRule[] }> {
  const rule = only(await render(values), 'PrometheusRule');
  const file = join(temporaryFolder(), 'rules.yaml');
  writeFileSync(file, JSON.stringify(rule.spec));
  return { file, rules: readAlertRules(file) };
}

describeWithHelm('the PrometheusRule of the chart', () => {
  const own = readAlertRules();

  describeWithPromtool('in Prometheus', () => {
    test('does what the rules of deploy/ do, for the pods of its namespace', async () => {
      const { file, rules } = await renderedRules(withRule());
      const tests = join(temporaryFolder(), 'tests.yaml');
      writeFileSync(tests, promtoolTests(file, rules, ALERT_CASES));
      const { code, said } = promtool('test', 'rules', tests);
      expect([code, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
    });

    test('never fires for another namespace', async () => {
      const { file, rules } = await renderedRules(withRule({ selector: 'namespace="elsewhere"' }));
      const tests = join(temporaryFolder(), 'tests.yaml');
      writeFileSync(
        tests,
        promtoolTests(
          file,
          rules,
          ALERT_CASES.map((one) => ({ ...one, fires: null })),
        ),
      );
      const { code, said } = promtool('test', 'rules', tests);
      expect([code, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
    });
  });

  test('with an empty selector the rules are those of deploy/, word for word', async () => {
    expect((await renderedRules(withRule({ selector: '' }))).rules).toEqual(own);
  });

  test('a selector is put into every metric once, whatever it contains', async () => {
    const { rules } = await renderedRules(withRule({ selector: 'namespace=~"a$1|b"' }));
    for (const { expr } of rules) {
      const metrics = expr.match(/\b(?:outrider|kube)_[a-z_]+|\bup\b/g) ?? [];
      expect(expr.split('{namespace=~"a$1|b"').length - 1).toBe(metrics.length);
    }
  });

  test('alerts can be left out, labelled, and sent to another runbook', async () => {
    const { rules } = await renderedRules(
      withRule({
        disabled: ['OutriderRecordsWait'],
        alertLabels: { team: 'shop' },
        runbookUrl: 'https://wiki.corp/outrider',
      }),
    );
    expect(rules.map(({ alert }) => alert)).toEqual(
      own.map(({ alert }) => alert).filter((name) => name !== 'OutriderRecordsWait'),
    );
    expect(rules[0]?.labels).toEqual({ severity: 'critical', team: 'shop' });
    expect(rules[0]?.annotations.runbook_url).toBe('https://wiki.corp/outrider#outridercapturesfail');
  });

  test('the name of an alert that there is not is refused, with those that there are', async () => {
    const said = await refusal(withRule({ disabled: ['OutriderRecordWaits'] }));
    expect(said).toContain('monitoring.prometheusRule.disabled: there is no alert "OutriderRecordWaits"; there are: ');
    expect(said).toContain('OutriderRecordsWait');
  });

  test('the dashboard is the one of deploy/, in a ConfigMap that Grafana finds', async () => {
    const manifests = await render({ ...GATEWAY, monitoring: { dashboard: { enabled: true } } });
    const map = only(manifests, 'ConfigMap', 'acme-outrider-dashboard');
    expect(map.metadata.labels?.grafana_dashboard).toBe('1');
    expect(JSON.parse(String(at(map, 'data', 'outrider.json')))).toMatchObject({ title: 'Outrider' });
  });
});

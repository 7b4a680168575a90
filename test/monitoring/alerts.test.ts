import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { describeWithPromtool, promtool } from '../helpers/promtool.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';
import { RULES_FILE, readAlertRules } from './alert-rules.ts';

const rules = readAlertRules();

/** JSON is YAML. */
function promtoolTest({ alert, at, series, fires }: AlertCase): string {
  const rule = rules.find((one) => one.alert === alert);
  if (rule === undefined) throw new Error(`there is no rule ${alert}`);
  const expected = fires && {
    exp_labels: { severity: rule.labels.severity, ...fires.labels },
    exp_annotations: { ...rule.annotations, description: fires.description },
  };
  const test = {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: expected === null ? [] : [expected] }],
  };
  return JSON.stringify({ rule_files: [RULES_FILE], evaluation_interval: '1m', tests: [test] });
}

describeWithPromtool('the alert rules in Prometheus', () => {
  test('promtool finds nothing wrong with them', () => {
    const { code, said } = promtool('check', 'rules', '--lint-fatal', RULES_FILE);
    expect([code, said]).toEqual([0, expect.stringContaining(`${rules.length} rules found`)]);
  });

  test.each(ALERT_CASES.map((one) => [`${one.alert} ${one.title}`, one] as const))('%s', (_, one) => {
    const file = join(temporaryFolder(), 'test.yaml');
    writeFileSync(file, promtoolTest(one));
    const { code, said } = promtool('test', 'rules', file);
    expect([code, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

test.each(rules.map(({ alert }) => alert))('for %s it is shown that it fires and that it does not', (alert) => {
  const cases = ALERT_CASES.filter((one) => one.alert === alert);
  expect(cases.some(({ fires }) => fires !== null)).toBe(true);
  expect(cases.some(({ fires }) => fires === null)).toBe(true);
});

/** Cases of the alert rules as promtool wants them. */
import type { AlertCase } from './alert-cases.ts';
import type { AlertRule } from './alert-rules.ts';

/** Text of a test file; JSON is YAML. @throws where a case is about a rule that there is not */
export function promtoolTests(file: string, rules: readonly AlertRule[], cases: readonly AlertCase[]): string {
  const tests = cases.map((one) => promtoolTest(rules, one));
  return JSON.stringify({ rule_files: [file], evaluation_interval: '1m', tests });
}

function promtoolTest(rules: readonly AlertRule[], { alert, title, at, series, fires }: AlertCase): object {
  const rule = rules.find((one) => one.alert === alert);
  if (rule === undefined) throw new Error(`there is no rule ${alert}`);
  const expected = fires && {
    exp_labels: { ...rule.labels, ...fires.labels },
    exp_annotations: { ...rule.annotations, description: fires.description },
  };
  return {
    name: `${alert} ${title}`,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: expected === null ? [] : [expected] }],
  };
}

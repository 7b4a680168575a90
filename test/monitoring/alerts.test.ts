import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { describeWithPromtool, promtool } from '../helpers/promtool.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';
import { RULES_FILE, readAlertRules } from './alert-rules.ts';
import { promtoolTests } from './promtool-tests.ts';

const rules = readAlertRules();

describeWithPromtool('the alert rules in Prometheus', () => {
  test('promtool finds nothing wrong with them', () => {
    const { code, said } = promtool('check', 'rules', '--lint-fatal', RULES_FILE);
    expect([code, said]).toEqual([0, expect.stringContaining(`${rules.length} rules found`)]);
  });

  const run = (cases: readonly AlertCase[]) => {
    const file = join(temporaryFolder(), 'test.yaml');
    writeFileSync(file, promtoolTests(RULES_FILE, rules, cases));
    const { code, said } = promtool('test', 'rules', file);
    return [code, said];
  };
  const passed = [0, expect.stringContaining('SUCCESS')];
  let all: readonly unknown[];
  beforeAll(() => {
    all = run(ALERT_CASES);
  });

  // Each by itself only where one of them fails: promtool takes a moment to start.
  test.each(ALERT_CASES.map((one) => [`${one.alert} ${one.title}`, one] as const))('%s', (_, one) => {
    if (all[0] !== 0) expect(run([one])).toEqual(passed);
    else expect(all).toEqual(passed);
  });
});

test.each(rules.map(({ alert }) => alert))('for %s it is shown that it fires and that it does not', (alert) => {
  const cases = ALERT_CASES.filter((one) => one.alert === alert);
  expect(cases.some(({ fires }) => fires !== null)).toBe(true);
  expect(cases.some(({ fires }) => fires === null)).toBe(true);
});

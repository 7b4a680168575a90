import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { describeWithPromtool, promtool } from '../helpers/promtool.ts';
import { ALERT_CASES } from './alert-cases.ts';
import { RULES_FILE, readAlertRules } from './alert-rules.ts';
import { promtoolTests } from './promtool-tests.ts';

const rules = readAlertRules();

describeWithPromtool('the alert rules in Prometheus', () => {
  test('promtool finds nothing wrong with them', () => {
    const { code, said } = promtool('check', 'rules', '--lint-fatal', RULES_FILE);
    expect([code, said]).toEqual([0, expect.stringContaining(`${rules.length} rules found`)]);
  });

  test.each(ALERT_CASES.map((one) => [`${one.alert} ${one.title}`, one] as const))('%s', (_, one) => {
    const file = join(temporaryFolder(), 'test.yaml');
    writeFileSync(file, promtoolTests(RULES_FILE, rules, [one]));
    const { code, said } = promtool('test', 'rules', file);
    expect([code, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

test.each(rules.map(({ alert }) => alert))('for %s it is shown that it fires and that it does not', (alert) => {
  const cases = ALERT_CASES.filter((one) => one.alert === alert);
  expect(cases.some(({ fires }) => fires !== null)).toBe(true);
  expect(cases.some(({ fires }) => fires === null)).toBe(true);
});

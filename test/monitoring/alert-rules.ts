/** The alert rules of `deploy/`, as data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

export const RULES_FILE = join(import.meta.dirname, '../../deploy/prometheus-rules.yaml');

export function readAlertRules(file = RULES_FILE): readonly AlertRule[] {
  return (load(readFileSync(file, 'utf8')) as RuleFile).groups.flatMap(({ rules }) => rules);
}

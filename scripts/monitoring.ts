/**
 * Writes deploy/grafana-dashboard.json, and the chart's copies of it and of the alert rules: a chart is installed from
 * its own files alone. `npm run monitoring`; test/monitoring compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardText } from './dashboard.ts';

const ROOT = join(import.meta.dirname, '..');

/** Path → text, in the order in which they are written. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  const dashboard = dashboardText();
  const rules = readFileSync(join(ROOT, 'deploy/prometheus-rules.yaml'), 'utf8');
  return new Map([
    ['deploy/grafana-dashboard.json', dashboard],
    ['chart/files/grafana-dashboard.json', dashboard],
    ['chart/files/prometheus-rules.yaml', rules],
  ]);
}

if (import.meta.main) for (const [path, text] of monitoringFiles()) writeFileSync(join(ROOT, path), text);

/**
 * Writes what deploy/ and the chart have of other sources: the dashboard, the chart's copies of it and of the alert rules
 * (a chart is installed from its own files alone), and the manifests for kustomize. `npm run manifests`; tests compare.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardText } from './dashboard.ts';
import { kustomizeFiles } from './kustomize.ts';

const ROOT = join(import.meta.dirname, '..');

/** Path → text. */
export function manifestFiles(): ReadonlyMap<string, string> {
  const dashboard = dashboardText();
  const rules = readFileSync(join(ROOT, 'deploy/prometheus-rules.yaml'), 'utf8');
  return new Map([
    ['deploy/grafana-dashboard.json', dashboard],
    ['chart/files/grafana-dashboard.json', dashboard],
    ['chart/files/prometheus-rules.yaml', rules],
    ...[...kustomizeFiles()].map(([path, text]) => [`deploy/kustomize/${path}`, text] as const),
  ]);
}

if (import.meta.main) for (const [path, text] of manifestFiles()) writeFileSync(join(ROOT, path), text);

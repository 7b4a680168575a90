/** The chart inside somebody else's. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { at, chartFolder, describeWithHelm, only, render } from '../helpers/helm.ts';
import { outriderIn, podOf, problemsOf } from './structure.ts';
import { GATEWAY } from './values.ts';

/** A chart that depends on ours under a condition. */
function parentChart(): string {
  const folder = join(temporaryFolder(), 'parent');
  mkdirSync(join(folder, 'charts'), { recursive: true });
  cpSync(chartFolder, join(folder, 'charts/outrider'), { recursive: true });
  const dependencies = [{ name: 'outrider', version: '>=0.0.0', repository: '', condition: 'outrider.enabled' }];
  const chart = { apiVersion: 'v2', name: 'parent', version: '1.0.0', dependencies };
  writeFileSync(join(folder, 'Chart.yaml'), JSON.stringify(chart));
  return folder;
}

describeWithHelm('as a subchart', () => {
  test('it takes the values under its name, and the global ones', async () => {
    const values = {
      outrider: { ...GATEWAY, enabled: true, sidecar: { securityContext: { runAsUser: null } } },
      global: { imageRegistry: 'registry.corp', somethingElse: { of: 'another chart' } },
      unrelated: true,
    };
    const manifests = await render(values, { chart: parentChart() });
    expect(problemsOf(manifests)).toEqual([]);
    const outrider = outriderIn(podOf(only(manifests, 'Deployment')));
    expect(at(outrider, 'image')).toBe('registry.corp/outrider:0.1.0');
    expect(at(outrider, 'securityContext', 'runAsUser')).toBeUndefined();
  });

  test('it makes nothing where its condition is false', async () => {
    expect(await render({ outrider: { enabled: false } }, { chart: parentChart() })).toEqual([]);
  });
});

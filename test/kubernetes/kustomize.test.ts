import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMapping } from '../../src/runtime/config/raw-value.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { describeWithKubectl } from '../helpers/kubectl.ts';
import { DEPLOYMENT, injected, objects } from './manifests.ts';

/** Lists that Kubernetes merges by name: their order is of no matter, but for containers. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    const names = new Map(items.map((item) => [item, isMapping(item) && !('image' in item) ? String(item.name) : '']));
    return items.sort((a, b) => (names.get(a) ?? '').localeCompare(names.get(b) ?? ''));
  }
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item)]));
}

describeWithKubectl('outrider inject --format kustomize', (kubectl) => {
  test.each([
    ['the defaults', []],
    ['a plain container', ['--native', 'false']],
    ['environment and intercepted hosts', ['--env-mode', 'http-proxy', '--intercept', 'a.corp', '--spool', 'pvc:x']],
  ])('is a component that makes what inject makes, with %s', async (_what, flags) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'outrider'));
    writeFileSync(join(folder, 'acme.yaml'), DEPLOYMENT);
    writeFileSync(join(folder, 'kustomization.yaml'), 'resources: [acme.yaml]\ncomponents: [outrider]\n');
    const component = await injected(DEPLOYMENT, '--format', 'kustomize', ...flags);
    writeFileSync(join(folder, 'outrider', 'kustomization.yaml'), component);
    const built = objects(execFileSync(kubectl, ['kustomize', folder], { encoding: 'utf8' }));
    const wanted = objects(await injected(DEPLOYMENT, ...flags));
    const deployments = [built, wanted].map((all) => all.find((one) => isMapping(one) && one.kind === 'Deployment'));
    expect(sorted(deployments[0])).toEqual(sorted(deployments[1]));
  });
});

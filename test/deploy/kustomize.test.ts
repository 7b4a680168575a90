/** deploy/kustomize by a real kubectl, beside what the chart makes of the same. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { outriderIn, podOf, problemsOf } from '../chart/structure.ts';
import { GATEWAY } from '../chart/values.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider } from '../helpers/cli.ts';
import {
  at,
  describeWithHelm,
  listAt,
  type Manifest,
  only,
  parseManifests,
  parseYaml,
  render,
} from '../helpers/helm.ts';
import { describeWithKubectl } from '../helpers/kubectl.ts';
import { readAlertRules } from '../monitoring/alert-rules.ts';

const FOLDER = join(import.meta.dirname, '../../deploy/kustomize');
const OVERLAYS = ['base', ...readdirSync(join(FOLDER, 'overlays')).map((name) => `overlays/${name}`)];
const { version }: { version: string } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
);

/** The one workload. */
function workloadOf(manifests: readonly Manifest[]): Manifest {
  const [found] = manifests.filter((one) => podOf(one) !== undefined);
  if (found === undefined) throw new Error('no workload');
  return found;
}

/** What differs on purpose: the labels of a release, and the chart's note of what it restarts for. */
function specOf(manifests: readonly Manifest[]): unknown {
  const spec = structuredClone(at(workloadOf(manifests), 'spec'));
  const claim = at(spec, 'volumeClaimTemplates', 0, 'metadata');
  for (const place of [spec, claim, at(spec, 'template'), at(spec, 'template', 'metadata')]) {
    if (typeof place !== 'object' || place === null) continue;
    for (const key of ['selector', 'labels', 'annotations']) Reflect.deleteProperty(place, key);
  }
  return spec;
}

describeWithKubectl('the manifests for kustomize', (kubectl) => {
  const made = (overlay: string): Manifest[] =>
    parseManifests(execFileSync(kubectl, ['kustomize', join(FOLDER, overlay)], { encoding: 'utf8' }));

  test.each(OVERLAYS)('%s makes objects that hold together', (overlay) => {
    const manifests = made(overlay);
    expect(problemsOf(manifests)).toEqual([]);
    for (const { metadata } of manifests) expect(metadata.name).not.toMatch(/-[0-9a-z]{10}$/);
  });

  test.each(OVERLAYS)('the configuration of %s is valid for Outrider', async (overlay) => {
    const dir = temporaryFolder();
    const manifests = made(overlay);
    for (const [name, file] of [
      ['outrider-config', 'outrider.yaml'],
      ['outrider-routes', 'routes.yaml'],
    ] as const) {
      writeFileSync(join(dir, file), String(at(only(manifests, 'ConfigMap', name), 'data', file)));
    }
    expect(await outrider(['validate', dir])).toMatchObject({ code: 0, stderr: '' });
  });

  test.each(OVERLAYS)('ports and folders of the configuration of %s are those of its pod', (overlay) => {
    const manifests = made(overlay);
    const text = at(only(manifests, 'ConfigMap', 'outrider-config'), 'data', 'outrider.yaml');
    const config = parseYaml(text);
    const container = outriderIn(podOf(workloadOf(manifests)));
    const port = (name: string) =>
      at(
        listAt(container, 'ports').find((one) => at(one, 'name') === name),
        'containerPort',
      );
    expect(at(config, 'metrics', 'address')).toBe(`*:${port('metrics')}`);
    expect(String(at(config, 'listeners', 0, 'address')).split(':')[1]).toBe(String(port('ambassador')));
    expect(listAt(container, 'volumeMounts').map((mount) => at(mount, 'mountPath'))).toContain(
      at(config, 'spool', 'path'),
    );
    const isNative = at(container, 'restartPolicy') === 'Always';
    expect(at(config, 'shutdown', 'mode')).toBe(isNative ? 'native' : 'drain');
    expect(at(config, 'listeners', 0, 'address')).toMatch(isNative ? /^localhost:/ : /^\*:/);
  });

  test('the image is the version of this project, and production has another name for it', () => {
    const image = (overlay: string) => at(outriderIn(podOf(workloadOf(made(overlay)))), 'image');
    expect(image('base')).toBe(`outrider:${version}`);
    expect(image('overlays/production')).toBe(`registry.example/outrider:${version}`);
  });

  test('beside an application it is the first of its containers, and changes nothing else of it', () => {
    const overlay = 'overlays/acme-enricher';
    const file = readFileSync(join(FOLDER, overlay, 'app.yaml'), 'utf8').split('---\n')[1] ?? '';
    const before = load(file);
    const after = workloadOf(made(overlay));
    expect(listAt(after, 'spec', 'template', 'spec', 'initContainers').map((one) => at(one, 'name'))).toEqual([
      'outrider',
    ]);
    expect(at(after, 'spec', 'template', 'spec', 'containers')).toEqual(
      at(before, 'spec', 'template', 'spec', 'containers'),
    );
    expect(at(after, 'spec', 'template', 'metadata', 'labels')).toEqual({
      app: 'acme-enricher',
      'outrider.dev/injected': 'true',
    });
  });

  test('production has a budget for its pods, and the alert rules word for word', () => {
    const manifests = made('overlays/production');
    const labels = at(podOf(workloadOf(manifests)), 'metadata', 'labels');
    for (const [key, value] of Object.entries(
      at(only(manifests, 'PodDisruptionBudget'), 'spec', 'selector', 'matchLabels') ?? {},
    )) {
      expect(at(labels, key)).toBe(value);
    }
    expect(at(only(manifests, 'PrometheusRule'), 'spec', 'groups', 0, 'rules')).toEqual(readAlertRules());
    expect(at(workloadOf(manifests), 'spec', 'replicas')).toBe(3);
  });

  describeWithHelm('beside the chart', () => {
    const gateway = (volume: string) =>
      render({ ...GATEWAY, spool: { volume } }, { release: 'outrider', namespace: 'outrider' });

    test('the base is what the chart makes of a gateway with a claim for each pod', async () => {
      expect(specOf(made('base'))).toEqual(specOf(await gateway('claimTemplate')));
    });

    test('the small one has the pod of a gateway on an emptyDir', async () => {
      const pod = (manifests: readonly Manifest[]) => at(podOf(workloadOf(manifests)), 'spec');
      const [ours, charts] = [pod(made('overlays/small')), pod(await gateway('emptyDir'))];
      expect(listAt(ours, 'volumes')).toEqual(expect.arrayContaining(listAt(charts, 'volumes')));
      expect(outriderIn({ spec: ours })).toEqual(outriderIn({ spec: charts }));
    });

    test("both monitors ask what the chart's does", async () => {
      const monitoring = { podMonitor: { enabled: true } };
      const charts = only(await render({ ...GATEWAY, monitoring }), 'PodMonitor');
      for (const name of ['outrider', 'outrider-sidecars']) {
        const ours = only(made('overlays/production'), 'PodMonitor', name);
        expect(at(ours, 'spec', 'podMetricsEndpoints')).toEqual(at(charts, 'spec', 'podMetricsEndpoints'));
      }
    });
  });
});

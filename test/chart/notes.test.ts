/** What a person reads after `helm install`, and what `helm test` runs. */
import { join } from 'node:path';
import { startFakeKubernetes } from '../helpers/fake-kubernetes.ts';
import { at, chartFolder, describeWithHelm, type Helm, helms, listAt, only, render, runHelm } from '../helpers/helm.ts';
import { GATEWAY, workload } from './values.ts';

/** What `helm install` says for a file of chart/ci, where the cluster has these objects. */
async function notesOf(file: string, helm: Helm, objects: Readonly<Record<string, object>> = {}): Promise<string> {
  const { kubeconfig } = await startFakeKubernetes(objects);
  const dry = ['--dry-run=server', '--disable-openapi-validation', '-n', 'shop'];
  const args = ['install', 'acme', chartFolder, ...dry, '-f', join(chartFolder, 'ci', file)];
  const { code, stdout, stderr } = await runHelm(args, helm, kubeconfig);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The numbered commands, each with the lines that are indented below its sentence. */
function commandsOf(notes: string): string[] {
  return [...notes.matchAll(/^[1-3]\. .*\n((?: {3}.*\n)+)/gm)].map(([, lines = '']) => lines.trim());
}

describeWithHelm('helm install', () => {
  const [any] = helms();
  if (any === undefined) return;
  const path = '/api/v1/namespaces/shop/configmaps/acme-outrider-routes';
  const edited = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'acme-outrider-routes' },
    data: { 'routes.yaml': 'edited' },
  };

  test('tells three commands for a workload', async () => {
    const notes = await notesOf('workload-values.yaml', any);
    expect(commandsOf(notes)).toEqual([
      'kubectl -n shop rollout status deployment/acme-outrider',
      'kubectl -n shop port-forward deployment/acme-outrider 5000 &\n   curl -i http://localhost:5000/',
      'kubectl -n shop exec deployment/acme-outrider -c outrider -- outrider records',
    ]);
    expect(notes).toContain('kubectl -n shop edit configmap acme-outrider-routes');
    expect(notes).toContain('What is kept goes with its pod (spool.volume: emptyDir)');
  });

  test('tells how to inject where the chart is the configuration alone', async () => {
    expect(commandsOf(await notesOf('config-values.yaml', any))[0]).toBe(
      'kubectl -n shop get deployment legacy -o yaml | outrider inject --config-map acme-outrider-config,acme-outrider-routes | kubectl apply -f -',
    );
  });

  test('names the StatefulSet, and nothing that would be lost with its pods', async () => {
    const notes = await notesOf('statefulset-values.yaml', any);
    expect(commandsOf(notes)[0]).toBe('kubectl -n shop rollout status statefulset/acme-outrider');
    expect(notes).not.toContain('goes with its pod');
    expect(notes).toContain('your ConfigMap shop-routes');
  });

  test.each(helms())('makes routes only where there are none, and says so (Helm $major)', async (helm) => {
    const fresh = await notesOf('workload-values.yaml', helm);
    expect(fresh).toContain('outrider.dev/routes: "true"');
    expect(fresh).not.toContain('NOTE: it was edited');
    const again = await notesOf('workload-values.yaml', helm, { [path]: edited });
    expect(again).not.toContain('outrider.dev/routes: "true"');
    expect(again).toContain('NOTE: it was edited, or made by another release');
  });
});

describeWithHelm('routes that were managed', () => {
  const live = (annotations: object) => ({
    '/api/v1/namespaces/shop/configmaps/acme-outrider-routes': {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'acme-outrider-routes', annotations: { 'meta.helm.sh/release-name': 'acme', ...annotations } },
      data: {},
    },
  });
  const [any] = helms();
  if (any === undefined) return;

  test('are not seeded before Helm is told to keep them', async () => {
    const refused = notesOf('workload-values.yaml', any, live({}));
    await expect(refused).rejects.toThrow(
      'kubectl -n shop annotate configmap acme-outrider-routes helm.sh/resource-policy=keep',
    );
    const taken = await notesOf('workload-values.yaml', any, live({ 'helm.sh/resource-policy': 'keep' }));
    expect(taken).not.toContain('outrider.dev/routes: "true"');
  });
});

describeWithHelm('helm test', () => {
  test('checks the configuration as the pods see it, in pods that nobody injects into', async () => {
    const pod = only(await render(GATEWAY), 'Pod', 'acme-outrider-test-config');
    expect(pod.metadata.labels?.['outrider.dev/inject']).toBe('false');
    const commands = listAt(pod, 'spec', 'containers').map((container) => at(container, 'args'));
    expect(commands).toEqual([
      ['validate', '/etc/outrider/config'],
      ['test', '/etc/outrider/config'],
    ]);
    expect(at(pod, 'spec', 'volumes', 0, 'name')).toBe('outrider-config');
  });

  test('connects to the Service where there is one', async () => {
    const pods = async (values: object) =>
      (await render(values)).filter(({ kind }) => kind === 'Pod').map(({ metadata }) => metadata.name);
    expect(await pods(workload())).toEqual(['acme-outrider-test-config', 'acme-outrider-test-service']);
    expect(await pods({ ...workload(), service: { enabled: false } })).toEqual(['acme-outrider-test-config']);
    expect(await pods({ ...GATEWAY, test: { enabled: false } })).toEqual([]);
  });
});

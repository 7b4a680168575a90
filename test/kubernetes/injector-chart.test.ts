/** What the chart installs for the injector. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgram } from '../../src/runtime/cli/program.ts';
import { valueAt } from '../../src/runtime/config/raw-value.ts';
import { memoryContext } from '../helpers/cli.ts';
import { chartFolder, describeWithHelm, type Manifest, only, refusal, render } from '../helpers/helm.ts';

const ALONE = { mode: 'injector' };
const OPS = { namespace: 'ops' };
const items = (value: unknown, ...path: (string | number)[]): unknown[] => {
  const list = valueAt(value, path);
  return Array.isArray(list) ? list : [];
};
const argsOf = (manifests: readonly Manifest[]): string[] =>
  items(only(manifests, 'Deployment'), 'spec', 'template', 'spec', 'containers', 0, 'args').map(String);

describeWithHelm('the chart’s injector', () => {
  test('alone is installed without routes, and makes nothing for pods', async () => {
    const kinds = (await render(ALONE, OPS)).map(({ kind }) => kind);
    expect([...kinds].sort()).toEqual([
      ...['ClusterRole', 'ClusterRoleBinding', 'Deployment', 'MutatingWebhookConfiguration', 'PodDisruptionBudget'],
      ...['Role', 'RoleBinding', 'Secret', 'Service', 'ServiceAccount', 'ValidatingWebhookConfiguration'],
    ]);
  });

  test('is installed beside what another mode makes, when it is enabled', async () => {
    const values = { mode: 'config', routes: { content: 'targets: {a: "http://a"}\ndefault: a\n' } };
    const named = async (more: object): Promise<string[]> =>
      (await render({ ...values, ...more }, OPS)).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const [without, withIt] = [await named({}), await named({ injector: { enabled: true } })];
    expect(withIt).toEqual(expect.arrayContaining(without));
    expect(withIt.length - without.length).toBe(11);
  });

  test('is called with options that the command has', async () => {
    const values = { ...ALONE, injector: { defaults: { 'memory-limit': '200Mi' } }, imagePullSecrets: ['registry'] };
    const [name, ...args] = argsOf(await render(values, OPS));
    const command = buildProgram(memoryContext(), () => undefined).commands.find((one) => one.name() === name);
    const known = command?.options.map(({ long }) => long) ?? [];
    expect(args.map((arg) => arg.split('=')[0]).filter((flag) => !known.includes(flag))).toEqual([]);
    expect(args).toContain('--default=memory-limit=200Mi');
    expect(args).toContain('--image-pull-secret=registry');
  });

  test('tells the command the names that its rights and webhooks have', async () => {
    const manifests = await render(ALONE, OPS);
    const args = argsOf(manifests);
    expect(args).toContain(`--service=${only(manifests, 'Service').metadata.name}`);
    expect(args).toContain(`--secret=${only(manifests, 'Secret').metadata.name}`);
    for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
      expect(args).toContain(`--webhook=${only(manifests, kind).metadata.name}`);
    }
    const rules = (kind: string) => valueAt(only(manifests, kind), ['rules']);
    expect(rules('Role')).toEqual([
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: [only(manifests, 'Secret').metadata.name],
        verbs: ['get', 'update'],
      },
    ]);
    expect(rules('ClusterRole')).toEqual([
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
        resourceNames: ['ops-acme-outrider-injector'],
        verbs: ['get', 'patch'],
      },
    ]);
  });

  test('fails closed only for pods that asked, and leaves caBundle and certificates to the injector', async () => {
    const manifests = await render(ALONE, OPS);
    const webhooks = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].flatMap((kind) =>
      items(only(manifests, kind), 'webhooks'),
    );
    const seen = webhooks.map((webhook) => [
      valueAt(webhook, ['name']),
      valueAt(webhook, ['failurePolicy']),
      valueAt(webhook, ['objectSelector']),
    ]);
    const asked = { matchLabels: { 'outrider.dev/inject': 'true' } };
    const others = { matchExpressions: [{ key: 'outrider.dev/inject', operator: 'NotIn', values: ['true', 'false'] }] };
    expect(seen).toEqual([
      ['pods.outrider.dev', 'Fail', asked],
      ['namespaces.outrider.dev', 'Ignore', others],
      ['routes.outrider.dev', 'Ignore', { matchLabels: { 'outrider.dev/routes': 'true' } }],
    ]);
    expect(JSON.stringify(webhooks)).not.toContain('caBundle');
    expect(only(manifests, 'Secret')).not.toHaveProperty('data');
    const [pods, namespaces] = webhooks.map((webhook) => valueAt(webhook, ['namespaceSelector']));
    expect(JSON.stringify(pods)).toContain('kube-system');
    expect(namespaces).toMatchObject(asked);
  });

  test('does not wait for itself, and keeps one replica through a drain and an upgrade', async () => {
    const manifests = await render(ALONE, OPS);
    const deployment = only(manifests, 'Deployment');
    expect(valueAt(deployment, ['spec', 'template', 'metadata', 'labels'])).toMatchObject({
      'outrider.dev/inject': 'false',
    });
    expect(valueAt(deployment, ['spec'])).toMatchObject({
      replicas: 2,
      strategy: { rollingUpdate: { maxUnavailable: 0 } },
    });
    expect(valueAt(only(manifests, 'PodDisruptionBudget'), ['spec', 'minAvailable'])).toBe(1);
    expect(valueAt(deployment, ['spec', 'template', 'spec', 'containers', 0, 'securityContext'])).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
  });

  test('with cert-manager has no rights, no token and no Secret of its own', async () => {
    const injector = { certificates: 'certManager', issuerRef: { name: 'corp', kind: 'ClusterIssuer' } };
    const manifests = await render({ ...ALONE, injector }, OPS);
    expect(manifests.filter(({ kind }) => /Role|^Secret$/.test(kind))).toEqual([]);
    expect(only(manifests, 'Certificate')).toMatchObject({
      spec: { dnsNames: ['acme-outrider-injector.ops.svc', 'acme-outrider-injector.ops.svc.cluster.local'] },
    });
    expect(only(manifests, 'MutatingWebhookConfiguration').metadata.annotations).toEqual({
      'cert-manager.io/inject-ca-from': 'ops/acme-outrider-injector-certificates',
    });
    expect(valueAt(only(manifests, 'Deployment'), ['spec', 'template', 'spec', 'automountServiceAccountToken'])).toBe(
      false,
    );
    expect(argsOf(manifests)).toContain('--certificate-folder=/var/run/secrets/outrider-injector');
    expect(await refusal({ ...ALONE, injector: { certificates: 'certManager' } }, OPS)).toMatch(
      /injector.issuerRef.name is empty/,
    );
    expect(await refusal({ ...ALONE, injector: { certificates: 'helm' } }, OPS)).toMatch(
      /injector.certificates|certificates/,
    );
  });

  test('is in the page about injection by the values that the chart has', () => {
    const page = readFileSync(join(chartFolder, '../docs/injection.md'), 'utf8');
    const values = readFileSync(join(chartFolder, 'values.yaml'), 'utf8');
    const named = [...page.matchAll(/`injector\.(\w+)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(2);
    for (const name of named) expect(values).toMatch(new RegExp(`^injector:[^]*^  ${name}:`, 'm'));
  });
});

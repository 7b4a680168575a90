import { parse } from 'yaml';
import { valueAt } from '../../src/runtime/config/raw-value.ts';
import { outrider } from '../helpers/cli.ts';
import { DEPLOYMENT, injected, objects, run } from './manifests.ts';

const names = (list: unknown): unknown[] => (Array.isArray(list) ? list.map(({ name }) => name) : []);
const pod = (text: string, ...path: string[]): unknown =>
  valueAt(objects(text)[0], path.length > 0 ? path : ['spec', 'template', 'spec']);
const of = (text: string, ...path: (string | number)[]): unknown => valueAt(pod(text), path);
const templateOf = (text: string): unknown => valueAt(objects(text)[0], ['spec', 'template']);

const POD_SPEC = '{containers: [{name: app, image: nginx}]}';
const kinds: [string, string, string[]][] = [
  ['StatefulSet', `{template: {spec: ${POD_SPEC}}}`, ['spec', 'template', 'spec']],
  ['DaemonSet', `{template: {spec: ${POD_SPEC}}}`, ['spec', 'template', 'spec']],
  ['Job', `{template: {spec: ${POD_SPEC}}}`, ['spec', 'template', 'spec']],
  [
    'CronJob',
    `{jobTemplate: {spec: {template: {spec: ${POD_SPEC}}}}}`,
    ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  ],
  ['Pod', POD_SPEC, ['spec']],
  ['Rollout', `{template: {spec: ${POD_SPEC}}}`, ['spec', 'template', 'spec']],
];

describe('outrider inject', () => {
  test('puts the sidecar first among the init containers', async () => {
    const text = await injected(
      DEPLOYMENT.replace('      volumes:', '      initContainers: [{name: setup, image: x}]\n      volumes:'),
    );
    expect(names(of(text, 'initContainers'))).toEqual(['outrider', 'setup']);
    expect(of(text, 'initContainers', 0, 'restartPolicy')).toBe('Always');
    expect(names(of(text, 'volumes'))).toEqual(['legacy', 'outrider-config', 'outrider-spool', 'outrider-no-token']);
    expect(valueAt(templateOf(text), ['metadata', 'labels'])).toEqual({ app: 'acme', 'outrider.dev/injected': 'true' });
  });

  test('puts a plain container first among the containers, and leaves `kubectl logs` with the application', async () => {
    const text = await injected(DEPLOYMENT, '--native', 'false');
    expect(names(of(text, 'containers'))).toEqual(['outrider', 'app', 'helper']);
    expect(valueAt(templateOf(text), ['metadata', 'annotations'])).toMatchObject({
      'kubectl.kubernetes.io/default-container': 'app',
      'outrider.dev/process': expect.stringContaining('mode: drain'),
    });
  });

  test('keeps comments, order, the way values are written, and other documents', async () => {
    const lines = (await injected(DEPLOYMENT)).split('\n');
    const changed = DEPLOYMENT.split('\n').filter((line) => line !== '' && !lines.includes(line));
    expect(changed).toEqual(['      labels: {app: acme}']);
  });

  test.each(kinds)('finds the pod of a %s', async (kind, spec, path) => {
    const text = await injected(`kind: ${kind}\nmetadata: {name: x}\nspec: ${spec}\n`);
    expect(names(valueAt(pod(text, ...path), ['initContainers']))).toEqual(['outrider']);
  });

  test('finds the workloads of a list, and of JSON, which stays JSON', async () => {
    const items = kinds.map(([kind, spec]) => ({ kind, metadata: { name: 'x' }, spec: parse(spec) }));
    const text = await injected(JSON.stringify({ kind: 'List', items }, null, 4));
    const list: unknown = JSON.parse(text);
    kinds.forEach(([, , path], index) => {
      expect(names(valueAt(list, ['items', index, ...path, 'initContainers']))).toEqual(['outrider']);
    });
  });

  test('once more is the same, byte for byte, with the flags or without', async () => {
    const text = await injected(DEPLOYMENT, '--memory-limit', '200Mi', '--env-mode', 'http-proxy');
    expect((await run('inject', text)).text).toBe(text.trimEnd());
    expect(await injected(text, '--memory-limit', '200Mi')).toBe(text);
  });

  test('with another setting replaces the sidecar and keeps the other settings', async () => {
    const text = await injected(await injected(DEPLOYMENT, '--memory-limit', '200Mi'), '--cpu-request', '50m');
    expect(names(of(text, 'initContainers'))).toEqual(['outrider']);
    expect(of(text, 'initContainers', 0, 'resources')).toMatchObject({
      requests: { cpu: '50m' },
      limits: { memory: '200Mi' },
    });
    expect((await run('inject', text)).text).toBe(text.trimEnd());
  });

  test('reads settings from the annotations of the pod', async () => {
    const annotated = DEPLOYMENT.replace(
      '      labels: {app: acme}\n    spec',
      '      labels: {app: acme}\n      annotations: {outrider.dev/config: "acme-process,acme-routes"}\n    spec',
    );
    const { code, text } = await run('inject', annotated);
    expect(code).toBe(0);
    expect(JSON.stringify(of(text, 'volumes'))).toContain('acme-process');
    expect(text).not.toContain('outrider.dev/process:');
  });

  test('gives a Guaranteed pod a sidecar whose requests are its limits', async () => {
    const resources = 'resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1000m}}';
    const text = await injected(`kind: Pod\nspec: {containers: [{name: app, ${resources}}]}\n`);
    expect(valueAt(pod(text, 'spec'), ['initContainers', 0, 'resources'])).toMatchObject({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: '100m', memory: '128Mi' },
    });
  });

  test('adds environment to the containers that were named, and overwrites none', async () => {
    const proxied = DEPLOYMENT.replace(
      '            - name: COUNTRY',
      '            - {name: HTTP_PROXY, value: "http://corp:3128"}\n            - name: COUNTRY',
    );
    const text = await injected(proxied, '--env-mode', 'http-proxy', '--containers', 'app');
    expect(names(of(text, 'containers', 0, 'env'))).toEqual([
      'HTTP_PROXY',
      'COUNTRY',
      'http_proxy',
      'NO_PROXY',
      'no_proxy',
    ]);
    expect(of(text, 'containers', 0, 'env', 0, 'value')).toBe('http://corp:3128');
    expect(of(text, 'containers', 1, 'env')).toBeUndefined();
  });

  test('sends intercepted hosts to loopback and lets port 80 be bound without a privilege', async () => {
    const text = await injected(DEPLOYMENT, '--intercept', 'billing.corp,crm.corp');
    expect(of(text, 'hostAliases')).toEqual([{ ip: '127.0.0.1', hostnames: ['billing.corp', 'crm.corp'] }]);
    expect(of(text, 'securityContext', 'sysctls')).toEqual([
      { name: 'net.ipv4.ip_unprivileged_port_start', value: '80' },
    ]);
  });

  test('makes a claim writable by the pod’s group, but not where that would change the application’s own', async () => {
    const flags = ['--spool', 'pvc:acme-spool'];
    expect(of(await injected(DEPLOYMENT, ...flags), 'securityContext')).toEqual({
      fsGroup: 10001,
      fsGroupChangePolicy: 'OnRootMismatch',
    });
    const claim = '        - {name: data, persistentVolumeClaim: {claimName: data}}\n        - name: legacy';
    const result = await run(
      'inject',
      DEPLOYMENT.replace('        - name: legacy', claim),
      '--config-map',
      'acme',
      ...flags,
    );
    expect(of(result.text, 'securityContext')).toBeUndefined();
    expect(result.errors.join('\n')).toMatch(/must be writable by user 10001/);
    expect(result.errors.join('\n')).toMatch(/set strategy.type: Recreate/);
  });

  test('never overwrites the annotations that Prometheus finds the application by', async () => {
    expect(templateOf(await injected(DEPLOYMENT, '--scrape', 'true'))).toMatchObject({
      metadata: { annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '5090' } },
    });
    const scraped = DEPLOYMENT.replace(
      '      labels: {app: acme}\n    spec',
      '      annotations: {prometheus.io/port: "9113"}\n      labels: {app: acme}\n    spec',
    );
    const result = await run('inject', scraped, '--config-map', 'acme', '--scrape', 'true');
    expect(result.text).toContain('prometheus.io/port: "9113"');
    expect(result.text).not.toContain('prometheus.io/scrape');
    expect(result.errors.join('\n')).toMatch(/prometheus.io\/port.*PodMonitor/);
  });

  test('takes out what the API server wrote, so that the result can be applied', async () => {
    const live = DEPLOYMENT.replace(
      '  name: acme # the name',
      '  name: acme\n  uid: 1\n  resourceVersion: "2"\n  managedFields: []\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: x}',
    ).replace('---', 'status: {replicas: 1}\n---');
    expect(objects(await injected(live))[0]).toMatchObject({ metadata: { name: 'acme', labels: { app: 'acme' } } });
    expect(await injected(live)).not.toMatch(
      /^ *(uid|resourceVersion|managedFields|status|annotations):.*last|^ *(uid|resourceVersion|managedFields|status):/m,
    );
  });

  test.each(['{}', '{kubectl.kubernetes.io/last-applied-configuration: x}', ''])(
    'writes annotations where the pod has %p',
    async (annotations) => {
      const text = await injected(`kind: Pod\nmetadata: {name: x, annotations: ${annotations}}\nspec: ${POD_SPEC}\n`);
      expect(pod(text, 'metadata', 'annotations')).toMatchObject({ 'outrider.dev/config': 'acme' });
      expect(text).not.toContain('last-applied');
    },
  );

  test('writes out what stood in one line, once more than a word is put into it', async () => {
    const text = await injected(`kind: Pod\nmetadata: {name: x, labels: {app: x}}\nspec: ${POD_SPEC}\n`);
    expect(text.split('\n').slice(0, 7)).toEqual([
      'kind: Pod',
      'metadata:',
      '  name: x',
      '  labels: {app: x, outrider.dev/injected: "true"}',
      '  annotations:',
      '    outrider.dev/config: acme',
      '    outrider.dev/process: |',
    ]);
    expect(text).toContain('spec:\n  containers: [{name: app, image: nginx}]\n  initContainers:\n');
  });

  test('shows what would change with --dry-run, and nothing else', async () => {
    const { text } = await run('inject', DEPLOYMENT, '--config-map', 'acme', '--dry-run');
    expect(text).toMatch(/^\+ {8}- name: outrider$/m);
    expect(text.split('\n').filter((line) => /^-[^-]/.test(line))).toEqual(['-      labels: {app: acme}']);
  });

  test('loads no server, no Kafka client and no database', async () => {
    const tell = `--import=data:text/javascript,${encodeURIComponent(`
      import { registerHooks } from 'node:module';
      registerHooks({ resolve(specifier, context, next) {
        const resolved = next(specifier, context);
        process._rawDebug('LOADED ' + resolved.url);
        return resolved;
      } });`)}`;
    const { code, stdout, stderr } = await outrider(['inject', '--config-map', 'acme'], {
      nodeArgs: [tell],
      input: DEPLOYMENT,
    });
    expect(code).toBe(0);
    expect(stdout).toContain('- name: outrider');
    const packages = [...stderr.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map(([, name]) => name);
    expect([...new Set(packages)].sort()).toEqual(['commander', 'diff', 'yaml']);
    expect(stderr).not.toMatch(/LOADED node:(sqlite|https?)$/m);
  });
});

describe('what can not be injected', () => {
  const withSpec = (field: string): string =>
    DEPLOYMENT.replace('      containers:', `      ${field}\n      containers:`);
  const refused: [string, string, string[], RegExp][] = [
    [
      'a pod on the host’s network',
      withSpec('hostNetwork: true'),
      [],
      /Deployment\/acme: it has hostNetwork: true.*run Outrider as a gateway/,
    ],
    ['a pod for Windows', withSpec('os: {name: windows}'), [], /for Windows.*run Outrider as a gateway/],
    ['a pod for Windows, by its node', withSpec('nodeSelector: {kubernetes.io/os: windows}'), [], /for Windows/],
    [
      'a port that is taken',
      DEPLOYMENT.replace('8080', '5090'),
      [],
      /container "app" listens on 5090.*choose another metrics-port/,
    ],
    [
      'port 80, which intercept needs',
      DEPLOYMENT.replace('8080', '80'),
      ['--intercept', 'a.corp'],
      /listens on 80.*intercept needs port 80/,
    ],
    [
      'a job beside a plain container',
      withSpec('restartPolicy: Never'),
      ['--native', 'false'],
      /is to end \(restartPolicy: Never\).*leave out native: false/,
    ],
    [
      'a container of the name',
      DEPLOYMENT.replace('name: helper', 'name: outrider'),
      [],
      /container "outrider" without the annotation outrider.dev\/status/,
    ],
    [
      'a volume of the name',
      DEPLOYMENT.replace('name: legacy\n', 'name: outrider-spool\n'),
      [],
      /volume "outrider-spool".*rename it/,
    ],
    [
      'a pod that runs',
      'kind: Pod\nmetadata: {name: x, uid: "1", ownerReferences: [{name: acme-1}]}\nspec: {containers: [{name: a}]}\n',
      [],
      /Pod\/x: a pod that runs can't get another container: inject what made it \(acme-1/,
    ],
    [
      'an annotation with a typing error',
      DEPLOYMENT.replace(
        '      labels: {app: acme}\n    spec',
        '      annotations: {outrider.dev/memory-limt: 1Gi}\n    spec',
      ),
      [],
      /outrider.dev\/memory-limt.*did you mean "memory-limit"/,
    ],
    [
      'a port below which none may be bound',
      withSpec('securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "1024"}]}'),
      ['--intercept', 'a.corp'],
      /ip_unprivileged_port_start to 1024.*needs 80 or less/,
    ],
  ];
  test.each(refused)(
    '%s is refused with the reason and the fix, and nothing is printed',
    async (_what, text, flags, reason) => {
      const result = await run('inject', text, '--config-map', 'acme', ...flags);
      expect(result).toEqual({ code: 1, text: '', errors: [expect.stringMatching(reason)] });
    },
  );

  test.each([
    ['--memory-limit', 'much', /--memory-limit: found "much"; expected a quantity such as 128Mi/],
    ['--spool', 'emptydir:1Gi', /--spool: .*expected emptyDir:256Mi, pvc:NAME/],
    ['--metrics-port', '5000', /--metrics-port: port 5000 is port, too/],
    ['--extra-env', '{"A": 1}', /--extra-env: .*expected JSON such as/],
    ['--run-as-user', '0', /--run-as-user: found "0"; expected a number from 1, or none/],
  ])('%s %s is a mistake of the command line', async (flag, value, reason) => {
    const result = await run('inject', DEPLOYMENT, '--config-map', 'acme', flag, value);
    expect(result).toEqual({ code: 64, text: '', errors: [expect.stringMatching(reason)] });
  });

  test('without a ConfigMap nothing is injected', async () => {
    const { code, errors } = await run('inject', DEPLOYMENT);
    expect([code, errors]).toEqual([1, [expect.stringMatching(/outrider.dev\/config \(or --config-map\): missing/)]]);
  });

  test('what is no YAML is told with its place', async () => {
    const { code, errors } = await run('inject', 'kind: Pod\nspec: {a: [}\n', '--config-map', 'acme');
    expect([code, errors[0]]).toEqual([64, expect.stringMatching(/manifest.yaml:2:\d+: not valid YAML/)]);
  });

  test('an alias in the place of the pod is told, since it would change elsewhere as well', async () => {
    const text = 'x: &pod {containers: [{name: app}]}\nkind: Pod\nspec: *pod\n';
    const { code, errors } = await run('inject', text, '--config-map', 'acme');
    expect([code, errors[0]]).toEqual([64, expect.stringMatching(/alias.*write it out/)]);
  });

  test('manifests without pods are told', async () => {
    const { code, errors } = await run('inject', 'kind: Service\n', '--config-map', 'acme');
    expect([code, errors]).toEqual([1, ['outrider: none of the manifests makes pods: nothing to inject']]);
  });
});

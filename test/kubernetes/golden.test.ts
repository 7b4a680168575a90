/** The three ways to the sidecar make the same of the same options: the chart, the command, and the webhook's own function. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readVersion } from '../../src/runtime/cli/version.ts';
import { isMapping, valueAt } from '../../src/runtime/config/raw-value.ts';
import { injectPod } from '../../src/runtime/kubernetes/inject-pod.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { chartFolder, describeWithHelm, only, render } from '../helpers/helm.ts';
import { run } from './manifests.ts';

const APP = { name: 'app', image: 'nginx:1.22', ports: [{ containerPort: 8080 }], env: [{ name: 'A', value: 'b' }] };
const GUARANTEED = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } };

interface Case {
  readonly spec: Readonly<Record<string, unknown>>;
  /** By the names of settings. */
  readonly settings: Readonly<Record<string, string>>;
  /** The same for the library chart. */
  readonly options: Readonly<Record<string, unknown>>;
}

const one = { config: 'acme' };
const cases: Record<string, Case> = {
  'one ConfigMap': { spec: { containers: [APP] }, settings: one, options: { configMaps: ['acme'] } },
  'two ConfigMaps and a plain container': {
    spec: { containers: [APP], initContainers: [{ name: 'setup', image: 'x' }] },
    settings: { config: 'acme-config,acme-routes', native: 'false' },
    options: { configMaps: ['acme-config', 'acme-routes'], sidecar: { native: false } },
  },
  'a Guaranteed pod without a token': {
    spec: { containers: [{ ...APP, resources: GUARANTEED }], automountServiceAccountToken: false },
    settings: one,
    options: { configMaps: ['acme'] },
  },
  'in front of the application': {
    spec: { containers: [APP], volumes: [{ name: 'data', emptyDir: {} }] },
    settings: { ...one, 'inbound-port': '8081', 'app-port': '8080', port: '5001', 'metrics-port': '5092' },
    options: {
      configMaps: ['acme'],
      sidecar: { inbound: { port: 8081, appPort: 8080 }, ports: { ambassador: 5001, metrics: 5092 } },
    },
  },
  'hosts that are intercepted, and the environment': {
    spec: { containers: [APP, { name: 'helper', image: 'x' }], hostAliases: [{ ip: '10.0.0.1', hostnames: ['x'] }] },
    settings: { ...one, intercept: 'billing.corp,crm.corp', 'env-mode': 'http-proxy', containers: 'app' },
    options: {
      configMaps: ['acme'],
      sidecar: { intercept: { hosts: ['billing.corp', 'crm.corp'] }, appEnv: 'httpProxy', appContainers: ['app'] },
    },
  },
  'the address in a variable, a Secret and more environment': {
    spec: { containers: [APP] },
    settings: { ...one, 'env-mode': 'base-url', secret: 'tokens', 'extra-env': '{"KAFKA_BROKERS":"kafka:9092"}' },
    options: {
      configMaps: ['acme'],
      sidecar: {
        appEnv: 'baseUrl',
        secretName: 'tokens',
        extraEnv: [{ name: 'KAFKA_BROKERS', value: 'kafka:9092' }],
      },
    },
  },
  'an ephemeral claim': {
    spec: { containers: [APP], securityContext: { fsGroup: 1000 } },
    settings: { ...one, spool: 'ephemeral:1Gi:fast' },
    options: { configMaps: ['acme'], spool: { volume: 'ephemeral', size: '1Gi', storageClass: 'fast' } },
  },
  'a claim': {
    spec: { containers: [APP], securityContext: { fsGroup: 1000 } },
    settings: { ...one, spool: 'pvc:acme-spool:300Mi' },
    options: { configMaps: ['acme'], spool: { volume: 'claim', size: '300Mi', claimName: 'acme-spool' } },
  },
  'no spool, and resources of its own': {
    spec: { containers: [APP] },
    settings: { ...one, spool: 'none', 'cpu-request': '50m', 'memory-request': '80Mi', 'memory-limit': '200Mi' },
    options: {
      configMaps: ['acme'],
      spool: { volume: 'none' },
      sidecar: { resources: { requests: { cpu: '50m', memory: '80Mi' }, limits: { memory: '200Mi' } } },
    },
  },
  'another size of the emptyDir': {
    spec: { containers: [APP] },
    settings: { ...one, spool: 'emptyDir:101Mi' },
    options: { configMaps: ['acme'], spool: { size: '101Mi' } },
  },
};

/** A chart of somebody else's that uses the library. */
function otherChart(): string {
  const folder = temporaryFolder({ shared: true });
  mkdirSync(join(folder, 'templates'));
  cpSync(join(chartFolder, 'charts', 'outrider-sidecar'), join(folder, 'charts', 'outrider-sidecar'), {
    recursive: true,
  });
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: other\nversion: 1.2.3\nappVersion: "9"\n');
  const spec = '{{- include "outrider.sidecar.pod" (merge (dict "root" $) .Values.options) | nindent 2 }}';
  writeFileSync(
    join(folder, 'templates', 'pod.yaml'),
    `apiVersion: v1\nkind: Pod\nmetadata:\n  name: acme\nspec: ${spec}\n`,
  );
  return folder;
}

async function fromChart(chart: string, { spec, options }: Case): Promise<unknown> {
  return only(await render({ options: { spec, ...options } }, { chart }), 'Pod').spec;
}

async function fromCommand({ spec, settings }: Case): Promise<unknown> {
  const flags = Object.entries(settings).flatMap(([name, value]) => [
    `--${name === 'config' ? 'config-map' : name}`,
    value,
  ]);
  const manifest = JSON.stringify({ kind: 'Pod', metadata: { name: 'acme' }, spec });
  const { text, errors } = await run('inject', manifest, ...flags);
  expect(errors).toEqual(['Pod/acme: injected']);
  return valueAt(JSON.parse(text), ['spec']);
}

function fromWebhook({ spec, settings }: Case): unknown {
  const annotations = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`outrider.dev/${name}`, value]),
  );
  const base = { image: `outrider:${readVersion()}`, pullPolicy: 'IfNotPresent', version: '1', imagePullSecrets: [] };
  const request = { ...base, given: new Map(), nameOf: (name: string) => name, stale: 'leave' as const };
  return valueAt(injectPod({ metadata: { annotations }, spec }, request).document, ['spec']);
}

describeWithHelm('the same sidecar', () => {
  let chart = '';
  beforeAll(() => {
    chart = otherChart();
  });

  test.each(Object.entries(cases))('from the library chart, the command and the webhook: %s', async (_what, one) => {
    const wanted = fromWebhook(one);
    expect(await fromCommand(one)).toEqual(wanted);
    expect(await fromChart(chart, one)).toEqual(wanted);
  });

  test('from the whole chart', async () => {
    const spec = { containers: [APP] };
    const values = {
      mode: 'workload',
      workload: { template: { spec } },
      routes: { content: 'targets: {qa: "http://qa"}\ndefault: qa\n' },
    };
    const deployment = only(await render(values, { release: 'acme' }), 'Deployment');
    const rendered = valueAt(deployment, ['spec', 'template', 'spec']);
    const [config, routes] = configMapsOf(rendered);
    const wanted = fromWebhook({ spec, settings: { config: `${config},${routes}` }, options: {} });
    expect(valueAt(rendered, ['initContainers'])).toEqual(valueAt(wanted, ['initContainers']));
    expect(valueAt(rendered, ['volumes'])).toEqual(valueAt(wanted, ['volumes']));
  });

  const refused: [string, object, RegExp][] = [
    ['hostNetwork', { spec: { hostNetwork: true, containers: [APP] } }, /hostNetwork: true.*gateway/],
    [
      'a plain container in a pod that is to end',
      { spec: { restartPolicy: 'Never', containers: [APP] }, sidecar: { native: false } },
      /is to end \(restartPolicy: Never\)/,
    ],
    ['Windows', { spec: { os: { name: 'windows' }, containers: [APP] } }, /for Windows.*gateway/],
    [
      'a taken port',
      { spec: { containers: [{ name: 'app', ports: [{ containerPort: 5090 }] }] } },
      /port 5090 of container "app" is sidecar.ports.metrics/,
    ],
    ['a taken name', { spec: { containers: [{ name: 'outrider' }] } }, /has a container "outrider" already/],
    [
      'an unknown volume',
      { spec: { containers: [APP] }, spool: { volume: 'tmpfs' } },
      /spool.volume is "tmpfs"; allowed: emptyDir/,
    ],
    [
      'an unknown environment',
      { spec: { containers: [APP] }, sidecar: { appEnv: 'proxy' } },
      /sidecar.appEnv is "proxy"; allowed: none, httpProxy, baseUrl/,
    ],
  ];
  test.each(refused)('the library chart refuses %s with a sentence', async (_what, options, sentence) => {
    await expect(render({ options: { configMaps: ['acme'], ...options } }, { chart })).rejects.toThrow(sentence);
  });
});

function configMapsOf(spec: unknown): unknown[] {
  const sources = valueAt(spec, ['volumes', 0, 'projected', 'sources']);
  return Array.isArray(sources)
    ? sources.filter(isMapping).map((source) => valueAt(source, ['configMap', 'name']))
    : [];
}

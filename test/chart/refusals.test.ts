/** Values that can't work: each fails at `helm template`, with a sentence that names the value. */
import { at, describeWithHelm, only, parseYaml, refusal, render } from '../helpers/helm.ts';
import { fileOf, GATEWAY, ROUTES, workload } from './values.ts';

const queued = (delivery: string) => `${ROUTES}rules:\n  - {name: orders, target: prod, delivery: ${delivery}}\n`;
const kind = (name: string, fields: object = {}, rest: object = {}) =>
  workload({ workload: { ...Object(at(workload(), 'workload')), kind: name, ...fields }, ...rest });
const template = (spec: object, fields: object = {}) => workload(fields, spec);

const SENTENCES: readonly (readonly [what: string, values: object, sentence: string])[] = [
  [
    'no mode',
    {},
    '`--set mode=workload` runs your image with Outrider beside it (workload.template), `mode=gateway` runs Outrider alone, `mode=config` makes the ConfigMaps',
  ],
  [
    'a collector',
    { ...GATEWAY, mode: 'collector' },
    'mode: collector is not in this version: Outrider 0.1.0 has no `outrider collector` yet',
  ],
  ['a worker', { ...GATEWAY, mode: 'worker' }, 'mode: worker is not in this version'],
  ['values of the collector', { ...GATEWAY, app: { port: 8080 } }, 'app is for mode: collector'],
  ['a workload without a pod', { ...GATEWAY, mode: 'workload' }, 'workload.template.spec.containers is empty'],
  [
    'a container without an image',
    template({ containers: [{ name: 'a' }] }),
    'workload.template.spec.containers[0].image is missing',
  ],
  [
    'a template for a gateway',
    workload({ mode: 'gateway' }),
    'workload.template is for mode: workload; this is mode: gateway',
  ],
  [
    "the gateway's count of pods for a workload",
    workload({ replicaCount: 3 }),
    'the pods of a workload are workload.replicas',
  ],
  [
    'inbound for a gateway',
    { ...GATEWAY, sidecar: { inbound: { port: 8081, appPort: 8080 } } },
    'sidecar.inbound is for mode: workload',
  ],
  [
    'intercept for a gateway',
    { ...GATEWAY, sidecar: { intercept: { hosts: ['a.corp'] } } },
    'sidecar.intercept.hosts is for mode: workload',
  ],
  ['the network of the node', template({ hostNetwork: true }), 'the pod has hostNetwork: true'],
  [
    'Windows nodes',
    template({ nodeSelector: { 'kubernetes.io/os': 'windows' } }),
    'workload.template.spec.nodeSelector chooses Windows nodes',
  ],
  [
    'a container of our name',
    template({ initContainers: [{ name: 'outrider', image: 'x' }] }),
    'a container "outrider" already',
  ],
  [
    'a port that is ours',
    template({ containers: [{ name: 'a', image: 'a', ports: [{ containerPort: 5090 }] }] }),
    'port 5090 of container "a" is sidecar.ports.metrics, too',
  ],
  [
    'port 80 with intercept',
    template(
      { containers: [{ name: 'a', image: 'a', ports: [{ containerPort: 80 }] }] },
      { sidecar: { intercept: { hosts: ['a.corp'] } } },
    ),
    'port 80 of container "a"',
  ],
  ['one port twice', { ...GATEWAY, ports: { metrics: 5000 } }, 'ports.metrics is 5000, and so is ports.ambassador'],
  [
    'half of inbound',
    workload({ sidecar: { inbound: { port: 8081 } } }),
    'sidecar.inbound.port and sidecar.inbound.appPort need each other',
  ],
  [
    'an unknown container for appEnv',
    workload({ sidecar: { appEnv: 'httpProxy', appContainers: ['app'] } }),
    'there is no container "app" in workload.template; there are: legacy',
  ],
  [
    'a label that the selector needs',
    workload({
      workload: {
        template: {
          metadata: { labels: { 'app.kubernetes.io/name': 'x' } },
          spec: { containers: [{ name: 'a', image: 'a' }] },
        },
      },
    }),
    'workload.template.metadata.labels.app.kubernetes.io/name is "x"',
  ],
  [
    'a job with a plain container',
    kind('Job', {}, { sidecar: { native: false } }),
    'sidecar.native: false with workload.kind: Job would never complete',
  ],
  ['a CronJob without a schedule', kind('CronJob'), 'workload.spec.schedule is missing'],
  [
    'a jobSpec elsewhere',
    kind('Job', { jobSpec: { backoffLimit: 1 } }),
    'workload.jobSpec is for workload.kind: CronJob',
  ],
  [
    'the pod in the wrong place',
    kind('Deployment', { spec: { template: {} } }),
    'the pod belongs in workload.template',
  ],
  ['no routes', { mode: 'gateway' }, 'routes.content is empty'],
  [
    'routes that are no YAML',
    { mode: 'gateway', routes: { content: 'targets: {' } },
    'routes.content is no YAML mapping',
  ],
  [
    'routes without targets',
    { mode: 'gateway', routes: { content: 'default: prod' } },
    'routes.content has no `targets`',
  ],
  [
    'no existing ConfigMap',
    { mode: 'gateway', routes: { ownership: 'existing' } },
    'routes.existingConfigMap is empty',
  ],
  [
    'content of an existing ConfigMap',
    { mode: 'gateway', routes: { ownership: 'existing', existingConfigMap: 'a', content: ROUTES } },
    'routes.content is not used with routes.ownership: existing',
  ],
  [
    'an existing ConfigMap that is seeded',
    { mode: 'gateway', routes: { existingConfigMap: 'a', content: ROUTES } },
    'routes.existingConfigMap is for routes.ownership: existing; this is seed',
  ],
  [
    'queued on an emptyDir',
    { mode: 'gateway', routes: { content: queued('{mode: queued}') } },
    'spool.volume: emptyDir is gone with the pod, and rule "orders" of routes.content promises delivery later',
  ],
  [
    'deadline on an emptyDir',
    { mode: 'gateway', routes: { content: queued('{mode: deadline}') } },
    'spool.acceptLoss: true',
  ],
  [
    'redeliver on an emptyDir',
    { mode: 'gateway', routes: { content: queued('{redeliver: safe}') } },
    'spool.acceptLoss: true',
  ],
  [
    'queued on a claim that goes with the pod',
    { mode: 'gateway', spool: { volume: 'ephemeral' }, routes: { content: queued('{mode: queued}') } },
    'spool.volume: ephemeral is gone with the pod',
  ],
  [
    'a claim for two pods',
    { ...GATEWAY, replicaCount: 2, spool: { volume: 'claim' } },
    'replicaCount is 2, and spool.volume: claim is one ReadWriteOnce volume: use claimTemplate',
  ],
  [
    'a claim for two pods of a workload',
    kind('Deployment', { replicas: 2 }, { spool: { volume: 'claim' } }),
    'workload.replicas is 2',
  ],
  [
    'a claim for a DaemonSet',
    kind('DaemonSet', {}, { spool: { volume: 'claim' } }),
    'spool.volume: claim with a DaemonSet needs spool.accessMode: ReadWriteMany',
  ],
  [
    'a claim that is rolled',
    kind('Deployment', { spec: { strategy: { type: 'RollingUpdate' } } }, { spool: { volume: 'claim' } }),
    'workload.spec.strategy: RollingUpdate with spool.volume: claim waits for ever',
  ],
  [
    'a claim of a gateway that is rolled',
    { ...GATEWAY, gateway: { spec: { strategy: { rollingUpdate: { maxSurge: 1 } } } }, spool: { volume: 'claim' } },
    'gateway.spec.strategy: RollingUpdate with spool.volume: claim waits for ever',
  ],
  [
    'a claim that is scaled',
    { ...GATEWAY, autoscaling: { enabled: true }, spool: { volume: 'claim' } },
    'autoscaling.enabled with spool.volume: claim',
  ],
  [
    'a claim template without a StatefulSet',
    workload({ spool: { volume: 'claimTemplate' } }),
    'spool.volume: claimTemplate needs workload.kind: StatefulSet; this is a Deployment',
  ],
  [
    'a claim that is not used',
    { ...GATEWAY, spool: { existingClaim: 'mine' } },
    'spool.existingClaim is for spool.volume: claim; this is emptyDir',
  ],
  [
    'a claim beside claims of the application',
    workload(
      { spool: { volume: 'claim' } },
      { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    ),
    'podSecurityContext.fsGroup is not set: spool.volume: claim must be writable for Outrider, and a group for it changes the files of your own claims (data)',
  ],
  [
    'a spool size in the wrong place',
    { ...GATEWAY, config: { spool: { size: '1Gi' } } },
    "config.spool.size is the chart's: use spool.size",
  ],
  [
    'a metrics address of its own',
    { ...GATEWAY, config: { metrics: { address: '*:9' } } },
    "config.metrics.address is the chart's: use ports.metrics",
  ],
  [
    'SASL without a Secret',
    { ...GATEWAY, kafka: { brokers: ['k:1'], sasl: { mechanism: 'plain', username: 'me' } } },
    'kafka.existingSecret is empty: kafka.sasl needs a Secret',
  ],
  [
    'SASL without a user',
    { ...GATEWAY, kafka: { brokers: ['k:1'], existingSecret: 's', sasl: { mechanism: 'plain' } } },
    'kafka.sasl.username is empty',
  ],
  [
    'a CA that is not used',
    { ...GATEWAY, kafka: { brokers: ['k:1'], existingSecret: 's', tls: { caKey: 'ca.crt' } } },
    'kafka.tls.enabled is false',
  ],
  [
    'half of a client certificate',
    { ...GATEWAY, kafka: { brokers: ['k:1'], existingSecret: 's', tls: { enabled: true, certKey: 'c' } } },
    'kafka.tls.certKey and kafka.tls.keyKey need each other',
  ],
];

/** Path of the value that a Helm's schema check names, in either major version's way. */
const SCHEMA: readonly (readonly [what: string, values: object, path: RegExp])[] = [
  ['a typing error', { ...GATEWAY, replicaCout: 2 }, /replicaCout/],
  ['a word for a number', { ...GATEWAY, replicaCount: 'two' }, /replicaCount/],
  ['a port beyond 65535', { ...GATEWAY, ports: { ambassador: 70_000 } }, /ports[./]ambassador/],
  ['routes as a mapping', { mode: 'gateway', routes: { content: { targets: {} } } }, /routes[./]content/],
  ['a size without a unit', { ...GATEWAY, spool: { size: '256' } }, /spool[./]size/],
  ['a password in the values', { ...GATEWAY, kafka: { sasl: { password: 'secret' } } }, /kafka[./]sasl.*password/s],
  ['an unknown mode', { ...GATEWAY, mode: 'sidecar' }, /mode/],
  [
    'a key that Outrider does not have',
    { ...GATEWAY, config: { capture: { wiat: '1s' } } },
    /config[./]capture.*wiat/s,
  ],
  ['a duration without a unit', { ...GATEWAY, config: { capture: { wait: 5 } } }, /config[./]capture[./]wait/],
  ['what is not in this version', { ...GATEWAY, config: { delivery: { by: 'worker' } } }, /config[./]delivery[./]by/],
];

describeWithHelm('helm template', () => {
  test.each(SENTENCES)('refuses %s', async (_what, values, sentence) => {
    expect((await refusal(values)).replaceAll('\n', ' ')).toContain(sentence);
  });

  test.each(SCHEMA)('refuses %s by the schema', async (_what, values, path) => {
    expect(await refusal(values)).toMatch(path);
  });

  test.each([
    [
      'queued on a claim template',
      { mode: 'gateway', spool: { volume: 'claimTemplate' }, routes: { content: queued('{mode: queued}') } },
    ],
    [
      'queued where the loss is accepted',
      { mode: 'gateway', spool: { acceptLoss: true }, routes: { content: queued('{mode: queued}') } },
    ],
    [
      'two pods on a volume that both may use',
      { ...GATEWAY, replicaCount: 2, spool: { volume: 'claim', accessMode: 'ReadWriteMany' } },
    ],
    ['any key for the subcharts of a parent', { ...GATEWAY, global: { other: { chart: 1 } }, enabled: true }],
  ])('takes %s', async (_what, values) => {
    expect(await refusal(values)).toBe('');
  });

  test('takes brokers as --set writes them', async () => {
    const manifests = await render({ ...GATEWAY, kafka: { brokers: 'a:9092,b:9092' } });
    const process = parseYaml(fileOf(manifests, 'acme-outrider-config', 'outrider.yaml'));
    expect(at(process, 'kafka', 'brokers')).toEqual(['a:9092', 'b:9092']);
    expect(only(manifests, 'Deployment').metadata.name).toBe('acme-outrider');
  });
});

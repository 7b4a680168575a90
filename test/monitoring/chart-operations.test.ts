/** NetworkPolicy, PodDisruptionBudget and HorizontalPodAutoscaler of the chart, by a real Helm. */
import { GATEWAY, ROUTES, workload } from '../chart/values.ts';
import { at, describeWithHelm, listAt, only, refusal, render } from '../helpers/helm.ts';

const CONFIG = { mode: 'config', routes: { content: ROUTES } };
const JOB = workload({}, {});
const job = { ...JOB, workload: { ...(JOB as { workload: object }).workload, kind: 'Job' } };

/** A workload whose container asks for CPU. */
function withRequest(fields: object = {}): object {
  const containers = [
    { name: 'legacy', image: 'legacy:1.0', resources: { requests: { cpu: '1' } }, ports: [{ containerPort: 8080 }] },
    { name: 'helper', image: 'helper:1.0' },
  ];
  return { ...workload(), workload: { template: { spec: { containers } } }, ...fields };
}

const ports = (policy: unknown): unknown[] =>
  listAt(policy, 'spec', 'ingress').map((rule) => listAt(rule, 'ports').map((port) => at(port, 'port')));

describeWithHelm('the NetworkPolicy of the chart', () => {
  const on = { networkPolicy: { enabled: true } };

  test('there is none unless it is asked for', async () => {
    expect((await render(workload())).filter(({ kind }) => kind === 'NetworkPolicy')).toEqual([]);
  });

  test.each([
    ['a gateway', { ...GATEWAY, ...on }, [[5000], [5090]]],
    ["a workload's own ports", { ...workload(), ...on }, [[8080], [5090]]],
    [
      'the port in front of the application, too',
      { ...workload({ sidecar: { inbound: { port: 8000, appPort: 8080 } } }), ...on },
      [[8000, 8080], [5090]],
    ],
    ['the ports that are named', { ...workload(), networkPolicy: { enabled: true, ports: [9] } }, [[9], [5090]]],
  ])('lets everybody in to %s, and to metrics', async (_, values, expected) => {
    const policy = only(await render(values), 'NetworkPolicy');
    expect(ports(policy)).toEqual(expected);
    expect(at(policy, 'spec', 'policyTypes')).toEqual(['Ingress']);
    expect(listAt(policy, 'spec', 'ingress').map((rule) => at(rule, 'from'))).toEqual([undefined, undefined]);
  });

  test('lets in and out whom it is told to', async () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }];
    const egress = [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }];
    const networkPolicy = { enabled: true, metricsFrom: from, trafficFrom: [{ podSelector: {} }], egress };
    const policy = only(await render({ ...GATEWAY, networkPolicy }), 'NetworkPolicy');
    expect(listAt(policy, 'spec', 'ingress').map((rule) => at(rule, 'from'))).toEqual([[{ podSelector: {} }], from]);
    expect([at(policy, 'spec', 'policyTypes'), at(policy, 'spec', 'egress')]).toEqual([['Ingress', 'Egress'], egress]);
  });

  test('one that would cut the application off is refused', async () => {
    const containers = [{ name: 'legacy', image: 'legacy:1.0' }];
    const values = { ...workload(), workload: { template: { spec: { containers } } }, ...on };
    expect(await refusal(values)).toContain(
      'networkPolicy.ports is empty, and no container of workload.template names',
    );
    expect(await refusal({ ...CONFIG, ...on })).toContain('networkPolicy.enabled is for mode: workload or gateway');
  });
});

describeWithHelm('the PodDisruptionBudget of the chart', () => {
  test.each([
    [{}, { maxUnavailable: 1 }],
    [{ minAvailable: '50%' }, { minAvailable: '50%' }],
    [{ minAvailable: 0 }, { minAvailable: 0 }],
    [{ maxUnavailable: 2 }, { maxUnavailable: 2 }],
  ])('of %j is %j', async (given, expected) => {
    const budget = only(
      await render({ ...GATEWAY, podDisruptionBudget: { enabled: true, ...given } }),
      'PodDisruptionBudget',
    );
    const { minAvailable, maxUnavailable } = budget.spec as Record<string, unknown>;
    expect(JSON.parse(JSON.stringify({ minAvailable, maxUnavailable }))).toEqual(expected);
    expect(at(budget, 'spec', 'selector', 'matchLabels', 'app.kubernetes.io/component')).toBe('gateway');
  });

  test.each([
    [
      'both numbers',
      { ...GATEWAY, podDisruptionBudget: { enabled: true, minAvailable: 1, maxUnavailable: 1 } },
      'are both given',
    ],
    [
      'a Job',
      { ...job, podDisruptionBudget: { enabled: true } },
      'podDisruptionBudget.enabled is for mode: gateway, or a Deployment or StatefulSet; this is workload.kind: Job',
    ],
    ['mode: config', { ...CONFIG, podDisruptionBudget: { enabled: true } }, 'this is mode: config'],
  ])('with %s is refused', async (_, values, sentence) => {
    expect(await refusal(values)).toContain(sentence);
  });
});

describeWithHelm('the HorizontalPodAutoscaler of the chart', () => {
  const on = { autoscaling: { enabled: true } };
  const container = (scaler: unknown) => at(scaler, 'spec', 'metrics', 0, 'containerResource', 'container');

  test.each([
    ['a gateway', { ...GATEWAY, ...on }, 'Deployment', 'outrider'],
    ['a gateway with claims', { ...GATEWAY, spool: { volume: 'claimTemplate' }, ...on }, 'StatefulSet', 'outrider'],
    ['a workload', withRequest(on), 'Deployment', 'legacy'],
  ])('scales %s by one container, and leaves it the number of replicas', async (_, values, kind, name) => {
    const manifests = await render(values);
    const scaler = only(manifests, 'HorizontalPodAutoscaler');
    const scaled = only(manifests, kind);
    expect(at(scaler, 'spec', 'scaleTargetRef')).toEqual({ apiVersion: 'apps/v1', kind, name: scaled.metadata.name });
    expect(container(scaler)).toBe(name);
    expect(at(scaler, 'spec', 'metrics', 0, 'containerResource', 'target', 'averageUtilization')).toBe(80);
    expect(at(scaled, 'spec', 'replicas')).toBeUndefined();
  });

  test.each([
    [
      'a container that asks for no CPU',
      { ...workload(), ...on },
      '"legacy" in workload.template has no resources.requests.cpu',
    ],
    [
      'more at least than at most',
      { ...GATEWAY, autoscaling: { enabled: true, minReplicas: 11 } },
      'autoscaling.minReplicas is 11, and autoscaling.maxReplicas 10',
    ],
    [
      'nothing to go by',
      { ...GATEWAY, autoscaling: { enabled: true, targetCPUUtilizationPercentage: null } },
      'autoscaling.enabled has nothing to go by',
    ],
    ['a Job', { ...job, ...on }, 'this is workload.kind: Job'],
  ])('with %s is refused', async (_, values, sentence) => {
    expect(await refusal(values)).toContain(sentence);
  });

  test('by memory, and by a metric of your own, where CPU says nothing', async () => {
    const own = { type: 'Pods', pods: { metric: { name: 'x' }, target: { type: 'AverageValue', averageValue: 1 } } };
    const autoscaling = {
      enabled: true,
      targetCPUUtilizationPercentage: null,
      targetMemoryUtilizationPercentage: 70,
      metrics: [own],
    };
    const scaler = only(await render({ ...GATEWAY, autoscaling }), 'HorizontalPodAutoscaler');
    expect(listAt(scaler, 'spec', 'metrics').map((metric) => at(metric, 'type'))).toEqual([
      'ContainerResource',
      'Pods',
    ]);
    expect(at(scaler, 'spec', 'metrics', 0, 'containerResource', 'name')).toBe('memory');
  });
});

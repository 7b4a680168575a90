/** The monitors of the chart, by a real Helm. */
import { outriderIn, podOf } from '../chart/structure.ts';
import { GATEWAY, ROUTES, workload } from '../chart/values.ts';
import { at, describeWithHelm, listAt, type Manifest, only, refusal, render } from '../helpers/helm.ts';

const CONFIG = { mode: 'config', routes: { content: ROUTES } };
const podMonitor = { monitoring: { podMonitor: { enabled: true, labels: { release: 'prometheus' } } } };
const serviceMonitor = { monitoring: { serviceMonitor: { enabled: true, interval: '15s' } } };

function labelsOf(pod: unknown): Record<string, unknown> {
  return at(pod, 'metadata', 'labels') as Record<string, unknown>;
}

/** As Kubernetes selects. */
function selects(selector: unknown, labels: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(selector as object).every(([key, value]) => labels[key] === value);
}

function templateOf(manifests: readonly Manifest[]): unknown {
  const owner = manifests.find(({ kind }) => ['Deployment', 'StatefulSet', 'CronJob'].includes(kind));
  return at(owner, 'spec', 'template') ?? at(owner, 'spec', 'jobTemplate', 'spec', 'template');
}

describeWithHelm('the monitors of the chart', () => {
  test.each([
    ['a gateway', GATEWAY],
    ['a workload', workload()],
    ['a workload with a plain container', workload({ sidecar: { native: false } })],
  ])('the PodMonitor of %s selects its pods, and a port that Outrider has', async (_, values) => {
    const manifests = await render({ ...values, ...podMonitor });
    const monitor = only(manifests, 'PodMonitor');
    const pod = templateOf(manifests);
    expect(selects(at(monitor, 'spec', 'selector', 'matchLabels'), labelsOf(pod))).toBe(true);
    const port = at(monitor, 'spec', 'podMetricsEndpoints', 0, 'port');
    const owner = manifests.find(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind));
    const ports = listAt(owner && outriderIn(podOf(owner)), 'ports');
    expect(ports.find((one) => at(one, 'name') === port)).toMatchObject({ containerPort: 5090 });
    expect(monitor.metadata.labels).toMatchObject({ release: 'prometheus', 'app.kubernetes.io/instance': 'acme' });
  });

  test('with mode: config it selects what is injected', async () => {
    const monitor = only(await render({ ...CONFIG, ...podMonitor }), 'PodMonitor');
    expect(at(monitor, 'spec', 'selector', 'matchLabels')).toEqual({ 'outrider.dev/injected': 'true' });
  });

  test('it looks in its own namespace, or where it is told', async () => {
    expect(
      at(only(await render({ ...CONFIG, ...podMonitor }), 'PodMonitor'), 'spec', 'namespaceSelector'),
    ).toBeUndefined();
    const everywhere = { monitoring: { podMonitor: { enabled: true, namespaceSelector: { any: true } } } };
    const monitor = only(await render({ ...CONFIG, ...everywhere }), 'PodMonitor');
    expect(at(monitor, 'spec', 'namespaceSelector')).toEqual({ any: true });
  });

  test('the ServiceMonitor selects its own Service, which selects the pods by number, ready or not', async () => {
    const manifests = await render({ ...workload(), ...serviceMonitor });
    const service = only(manifests, 'Service', 'acme-outrider-metrics');
    const monitor = only(manifests, 'ServiceMonitor');
    const matchLabels = at(monitor, 'spec', 'selector', 'matchLabels');
    expect(selects(matchLabels, service.metadata.labels ?? {})).toBe(true);
    expect(selects(matchLabels, only(manifests, 'Service', 'acme-outrider').metadata.labels ?? {})).toBe(false);
    expect(selects(at(service, 'spec', 'selector'), labelsOf(templateOf(manifests)))).toBe(true);
    expect(at(service, 'spec', 'ports', 0)).toMatchObject({ name: 'metrics', port: 5090, targetPort: 5090 });
    expect(at(service, 'spec', 'publishNotReadyAddresses')).toBe(true);
    expect(at(monitor, 'spec', 'endpoints', 0)).toMatchObject({ port: 'metrics', interval: '15s' });
  });

  test('both monitors at once are refused', async () => {
    const monitoring = { ...podMonitor.monitoring, ...serviceMonitor.monitoring };
    expect(await refusal({ ...GATEWAY, monitoring })).toContain('every pod would be scraped twice; use one of them');
  });
});

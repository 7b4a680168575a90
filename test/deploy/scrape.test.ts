/**
 * Which containers are scraped, and by which labels: deploy/prometheus-scrape.yaml and the chart's PodMonitor, in a real
 * Prometheus. Debian's has no Kubernetes discovery: what that would find stands in the configuration itself.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GATEWAY } from '../chart/values.ts';
import { at, describeWithHelm, listAt, only, parseYaml, render } from '../helpers/helm.ts';
import { closedPort } from '../helpers/ports.ts';
import { type Prometheus, startPrometheus } from '../helpers/prometheus.ts';
import { describeWithPromtool } from '../helpers/promtool.ts';
import { waitFor } from '../helpers/wait.ts';

const FILE = join(import.meta.dirname, '../../deploy/prometheus-scrape.yaml');
const relabelings = listAt(parseYaml(readFileSync(FILE, 'utf8')), 'scrape_configs', 0, 'relabel_configs');

/** As Kubernetes discovery names it. */
interface Found {
  readonly controller: string;
  readonly container?: string;
  readonly port?: string;
  readonly phase?: string;
}

const OWNERS: readonly (readonly [controller: string, workload: string | undefined])[] = [
  ['ReplicaSet;legacy-7d4b9c6f5d', 'legacy'],
  ['ReplicaSet;web-2-54c9f8d6b7', 'web-2'],
  ['ReplicaSet;bare', 'bare'],
  ['StatefulSet;legacy-7d4b9c6f5d', 'legacy-7d4b9c6f5d'],
  ['DaemonSet;agent', 'agent'],
  ['Job;nightly-29312345', 'nightly'],
  ['Job;once', 'once'],
  [';', undefined],
];

function discovered(
  { controller, container = 'outrider', port = 'metrics', phase = 'Running' }: Found,
  address: string,
) {
  const [kind = '', name = ''] = controller.split(';');
  const labels = {
    __meta_kubernetes_namespace: 'shop',
    __meta_kubernetes_pod_name: 'legacy-0',
    __meta_kubernetes_pod_container_name: container,
    __meta_kubernetes_pod_container_port_name: port,
    __meta_kubernetes_pod_phase: phase,
    __meta_kubernetes_pod_controller_kind: kind,
    __meta_kubernetes_pod_controller_name: name,
  };
  return { targets: [address], labels };
}

type Labels = Readonly<Record<string, string>>;

/** Labels of what is scraped, one for each address. */
async function targetsOf(prometheus: Prometheus, count: number): Promise<ReadonlyMap<string, Labels>> {
  const active = await waitFor(
    async () => {
      const { data } = (await prometheus.get('/api/v1/targets?state=active')) as {
        data: { activeTargets: { labels: Labels }[] };
      };
      return data.activeTargets.length >= count && data.activeTargets;
    },
    { what: `${count} targets`, timeoutMs: 30_000 },
  );
  return new Map(active.map(({ labels }) => [labels.instance ?? '', labels]));
}

describeWithPromtool('the scrape configuration', () => {
  test('scrapes the port of Outrider in pods that run, and names pod, container and workload', async () => {
    const port = await closedPort();
    const wanted = OWNERS.map(([controller], index) => discovered({ controller }, `127.0.1.${index + 1}:${port}`));
    const others = [{ container: 'app' }, { port: 'ambassador' }, { phase: 'Succeeded' }];
    const unwanted = others.map((other, index) =>
      discovered({ controller: ';', ...other }, `127.0.2.${index + 1}:${port}`),
    );
    const job = { job_name: 'outrider', static_configs: [...unwanted, ...wanted], relabel_configs: relabelings };
    const targets = await targetsOf(await startPrometheus({ jobs: [job] }), OWNERS.length);
    expect([...targets.keys()].sort()).toEqual(wanted.map((one) => one.targets[0]).sort());
    OWNERS.forEach(([, workload], index) => {
      const labels = { namespace: 'shop', pod: 'legacy-0', container: 'outrider', ...(workload && { workload }) };
      const instance = `127.0.1.${index + 1}:${port}`;
      expect(targets.get(instance)).toEqual({ ...labels, instance, job: 'outrider' });
    });
  });

  describeWithHelm('beside the chart', () => {
    test("has the workload that the chart's monitors find", async () => {
      const monitoring = { podMonitor: { enabled: true } };
      const monitor = only(await render({ ...GATEWAY, monitoring }), 'PodMonitor');
      const steps = listAt(monitor, 'spec', 'podMetricsEndpoints', 0, 'relabelings');
      const ours = relabelings.find((step) => at(step, 'target_label') === 'workload');
      const charts = steps.find((step) => at(step, 'targetLabel') === 'workload');
      expect(at(ours, 'source_labels')).toEqual(at(charts, 'sourceLabels'));
      for (const key of ['regex', 'replacement']) expect(at(ours, key)).toBe(at(charts, key));
    });
  });
});

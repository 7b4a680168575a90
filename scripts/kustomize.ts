/** What deploy/kustomize has of the sidecar: made from its one definition, as the chart and `outrider inject` are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { volumeSizeFor } from '../src/runtime/kubernetes/quantity.ts';
import { SIDECAR, type SidecarOptions, sidecarContainer, sidecarVolumes } from '../src/runtime/kubernetes/sidecar.ts';

const ROOT = join(import.meta.dirname, '..');
const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const NAME = 'outrider';
const QUOTA = '256Mi';
const USER = SIDECAR.securityContext.runAsUser;
/** Of the pods of the base: kustomize adds name and instance. */
const COMPONENT = { 'app.kubernetes.io/component': 'gateway' };

const INJECTED = { 'outrider.dev/injected': 'true' };

const OPTIONS: SidecarOptions = {
  image: `${SIDECAR.repository}:${version}`,
  pullPolicy: 'IfNotPresent',
  native: true,
  configMaps: [`${NAME}-config`, `${NAME}-routes`],
  ports: SIDECAR.ports,
  inbound: null,
  spool: { kind: 'emptyDir', size: QUOTA },
  resources: null,
  guaranteed: false,
  runAsUser: USER,
  secret: '',
  hideToken: true,
  extraEnv: {},
};

/** Outrider alone, with a volume for each pod: what is kept outlives the pod. */
function gateway(): readonly object[] {
  const options: SidecarOptions = {
    ...OPTIONS,
    native: false,
    hideToken: false,
    spool: { kind: 'claimTemplate', size: QUOTA },
  };
  const port = { name: 'http', port: 80, targetPort: SIDECAR.ports.ambassador, protocol: 'TCP' };
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: volumeSizeFor(QUOTA) } } };
  const pod = {
    serviceAccountName: NAME,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 30,
    securityContext: { fsGroup: USER, fsGroupChangePolicy: 'OnRootMismatch' },
    containers: [sidecarContainer(options)],
    volumes: sidecarVolumes(options),
  };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: NAME }, automountServiceAccountToken: false },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: NAME },
      spec: { type: 'ClusterIP', selector: COMPONENT, ports: [port] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: NAME },
      spec: {
        replicas: 1,
        serviceName: NAME,
        selector: { matchLabels: COMPONENT },
        template: { metadata: { labels: COMPONENT }, spec: pod },
        volumeClaimTemplates: [{ metadata: { name: SIDECAR.volumes.spool }, spec: claim }],
      },
    },
  ];
}

/** A strategic merge: into the pods of whatever the component's target selects. */
function sidecarPatch(): object {
  const spec = { initContainers: [sidecarContainer(OPTIONS)], volumes: sidecarVolumes(OPTIONS) };
  const metadata = { labels: INJECTED };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'any' },
    spec: { template: { metadata, spec } },
  };
}

/** As the chart's: the label container is set, and workload is what the pods have in common. */
const RELABELINGS = [
  { action: 'replace', targetLabel: 'container', replacement: SIDECAR.name },
  {
    action: 'replace',
    sourceLabels: ['__meta_kubernetes_pod_controller_kind', '__meta_kubernetes_pod_controller_name'],
    regex: '(?:ReplicaSet;(.+)-[bcdfghjklmnpqrstvwxz2456789]+|Job;(.+)-[0-9]{8,}|[A-Za-z]+;(.+))',
    targetLabel: 'workload',
    replacement: '$1$2$3',
  },
];

/** The gateway's pods, and those that Outrider was put into. */
function podMonitors(): readonly object[] {
  const spec = (matchLabels: object) => ({
    selector: { matchLabels },
    podMetricsEndpoints: [{ port: 'metrics', path: '/metrics', relabelings: RELABELINGS }],
  });
  const monitor = (name: string, matchLabels: object) => ({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name },
    spec: spec(matchLabels),
  });
  return [monitor(NAME, { 'app.kubernetes.io/name': NAME }), monitor(`${NAME}-sidecars`, INJECTED)];
}

/** The file as it is, comments included, where the operator wants it. */
function prometheusRule(): string {
  const file = readFileSync(join(ROOT, 'deploy/prometheus-rules.yaml'), 'utf8');
  const body = file.slice(file.indexOf('groups:')).replaceAll(/^(?=.)/gm, '  ');
  const head = { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', metadata: { name: NAME } };
  return `${dump(head)}spec:\n${body}`;
}

const NOTE = '# Written by npm run manifests from src/runtime/kubernetes/sidecar.ts.\n';

/** Path below deploy/kustomize → text. */
export function kustomizeFiles(): ReadonlyMap<string, string> {
  const yaml = (object: object): string => dump(object, { lineWidth: 120, noRefs: true });
  return new Map([
    ['base/gateway.yaml', NOTE + gateway().map(yaml).join('---\n')],
    ['components/sidecar/patch.yaml', NOTE + yaml(sidecarPatch())],
    ['components/monitoring/podmonitors.yaml', NOTE + podMonitors().map(yaml).join('---\n')],
    [
      'components/monitoring/prometheusrule.yaml',
      `# Written by npm run manifests from deploy/prometheus-rules.yaml.\n${prometheusRule()}`,
    ],
  ]);
}

/** What keeps the sidecar out of a pod, told before anything is changed. */
import { asText, isMapping, valueAt } from '../config/raw-value.ts';
import type { InjectSettings } from './inject-settings.ts';
import { UNPRIVILEGED_PORT_SYSCTL } from './names.ts';
import { SIDECAR } from './sidecar.ts';

export interface PodContainer {
  readonly list: 'initContainers' | 'containers';
  readonly index: number;
  readonly name: string;
  readonly value: unknown;
}

/** All containers of a pod's spec, init containers first. */
export function containersOf(spec: unknown): PodContainer[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    listAt(spec, list).map((value, index) => ({ list, index, value, name: asText(valueAt(value, ['name'])) ?? '' })),
  );
}

export function listAt(value: unknown, key: string): unknown[] {
  const list = valueAt(value, [key]);
  return Array.isArray(list) ? list : [];
}

/** Every reason, each with its fix; none where the pod can be injected. */
export function podProblems(spec: unknown, settings: InjectSettings): string[] {
  return [
    ...unfit(spec),
    ...unending(spec, settings),
    ...takenNames(spec),
    ...takenPorts(spec, settings),
    ...interceptProblems(spec, settings),
  ];
}

function unfit(spec: unknown): string[] {
  const problems: string[] = [];
  if (listAt(spec, 'containers').length === 0) {
    problems.push('it has no containers: is this the manifest of a workload, as `kubectl get -o yaml` prints it?');
  }
  if (valueAt(spec, ['hostNetwork']) === true) {
    problems.push(
      "it has hostNetwork: true, so its localhost is the node's, shared with every other such pod: take hostNetwork away, or run Outrider as a gateway",
    );
  }
  const selector = valueAt(spec, ['nodeSelector']);
  const system = isMapping(selector) ? selector['kubernetes.io/os'] : undefined;
  if (valueAt(spec, ['os', 'name']) === 'windows' || system === 'windows') {
    problems.push('it is for Windows, and there is no image for that: run Outrider as a gateway, on Linux nodes');
  }
  return problems;
}

/** Of a Job, or of a pod that is to end by itself. */
function unending(spec: unknown, { native }: InjectSettings): string[] {
  const policy = valueAt(spec, ['restartPolicy']);
  if (native || (policy !== 'Never' && policy !== 'OnFailure')) return [];
  return [
    `it is to end (restartPolicy: ${policy}), and a plain container beside its own would keep it running for ever: leave out native: false`,
  ];
}

function takenNames(spec: unknown): string[] {
  const volumes: string[] = Object.values(SIDECAR.volumes);
  const containers = containersOf(spec)
    .filter(({ name }) => name === SIDECAR.name)
    .map(
      () =>
        `it has a container "${SIDECAR.name}" that was not put in by \`outrider inject\`: rename it, or take it away`,
    );
  const taken = listAt(spec, 'volumes')
    .map((volume) => asText(valueAt(volume, ['name'])) ?? '')
    .filter((name) => volumes.includes(name))
    .map((name) => `it has a volume "${name}" that was not put in by \`outrider inject\`: rename it`);
  return [...containers, ...taken];
}

function takenPorts(spec: unknown, settings: InjectSettings): string[] {
  const ours = new Map<number, string>([
    [settings.port, 'port'],
    [settings.metricsPort, 'metrics-port'],
    [settings.adminPort, 'admin-port'],
  ]);
  if (settings.inboundPort !== null) ours.set(settings.inboundPort, 'inbound-port');
  if (settings.intercept.length > 0) ours.set(80, 'intercept');
  return containersOf(spec).flatMap(({ name, value }) =>
    listAt(value, 'ports').flatMap((port) => {
      const number = Number(valueAt(port, ['containerPort']));
      const setting = ours.get(number);
      if (setting === undefined) return [];
      const fix = setting === 'intercept' ? 'intercept needs port 80 for itself' : `choose another ${setting}`;
      return [`its container "${name}" listens on ${number}, and so would the sidecar: ${fix}`];
    }),
  );
}

function interceptProblems(spec: unknown, { intercept }: InjectSettings): string[] {
  if (intercept.length === 0) return [];
  const other = listAt(valueAt(spec, ['securityContext']), 'sysctls').find(
    (sysctl) => valueAt(sysctl, ['name']) === UNPRIVILEGED_PORT_SYSCTL,
  );
  if (other === undefined || Number(valueAt(other, ['value'])) <= 80) return [];
  return [
    `its securityContext sets ${UNPRIVILEGED_PORT_SYSCTL} to ${String(valueAt(other, ['value']))}, and intercept needs 80 or less: change it, or leave out intercept`,
  ];
}

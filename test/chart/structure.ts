/** What must hold for every object that the chart makes, whatever the values: each problem as a sentence. */
import { at, listAt, type Manifest } from '../helpers/helm.ts';

const PODS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};
const NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;
const OUTRIDER = 'outrider';

/** The pod of a workload; a Pod is its own. undefined for everything else. */
export function podOf(manifest: Manifest): unknown {
  if (manifest.kind === 'Pod') return manifest;
  const path = PODS[manifest.kind];
  return path === undefined ? undefined : at(manifest, ...path);
}

/** Outrider's container, wherever it is in the pod. */
export function outriderIn(pod: unknown): unknown {
  return containersOf(pod).find((container) => at(container, 'name') === OUTRIDER);
}

export function problemsOf(manifests: readonly Manifest[]): string[] {
  const pods = manifests.flatMap((manifest) => podOf(manifest) ?? []);
  return manifests.flatMap((manifest) => {
    const problems = [...namesAndLabels(manifest)];
    if (manifest.kind === 'Service') problems.push(...serviceProblems(manifest, pods));
    if (podOf(manifest) !== undefined) problems.push(...podProblems(manifest));
    return problems.map((problem) => `${manifest.kind}/${manifest.metadata.name}: ${problem}`);
  });
}

function containersOf(pod: unknown): unknown[] {
  return [...listAt(pod, 'spec', 'initContainers'), ...listAt(pod, 'spec', 'containers')];
}

function* namesAndLabels({ metadata }: Manifest): Generator<string> {
  if (!NAME.test(metadata.name)) yield `the name is no DNS label`;
  for (const [key, value] of Object.entries({ ...metadata.labels, ...metadata.annotations })) {
    if (typeof value !== 'string') yield `${key} is no text: ${JSON.stringify(value)}`;
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (value.length > 63) yield `label ${key} has ${value.length} characters`;
  }
}

function* serviceProblems(service: Manifest, pods: readonly unknown[]): Generator<string> {
  const selector = Object.entries(at(service, 'spec', 'selector') ?? {});
  const chosen = pods.find((pod) => selector.every(([key, value]) => at(pod, 'metadata', 'labels', key) === value));
  if (chosen === undefined) yield 'its selector chooses no pod';
  const open = containersOf(chosen).flatMap((container) =>
    listAt(container, 'ports').map((port) => at(port, 'containerPort')),
  );
  for (const port of listAt(service, 'spec', 'ports')) {
    const target = at(port, 'targetPort');
    if (typeof target !== 'number') yield `targetPort ${JSON.stringify(target)} is no number`;
    else if (chosen !== undefined && !open.includes(target)) yield `no container listens on targetPort ${target}`;
  }
}

function* podProblems(manifest: Manifest): Generator<string> {
  const pod = podOf(manifest);
  const labels = at(pod, 'metadata', 'labels');
  for (const [key, value] of Object.entries(at(manifest, 'spec', 'selector', 'matchLabels') ?? {})) {
    if (at(labels, key) !== value) yield `the selector's ${key}=${value} is not on the pod`;
  }
  const names = containersOf(pod).map((container) => String(at(container, 'name')));
  if (new Set(names).size !== names.length) yield `two containers have one name: ${names.join(', ')}`;
  const volumes = [
    ...listAt(pod, 'spec', 'volumes').map((volume) => String(at(volume, 'name'))),
    ...listAt(manifest, 'spec', 'volumeClaimTemplates').map((claim) => String(at(claim, 'metadata', 'name'))),
  ];
  if (new Set(volumes).size !== volumes.length) yield `two volumes have one name: ${volumes.join(', ')}`;
  for (const container of containersOf(pod)) yield* mountProblems(container, volumes);
  if (manifest.kind === 'Pod') {
    for (const container of containersOf(pod)) yield* outriderProblems(container, pod);
    return;
  }
  const outrider = outriderIn(pod);
  if (outrider === undefined) yield 'Outrider is not in the pod';
  else yield* outriderProblems(outrider, pod);
}

function* mountProblems(container: unknown, volumes: readonly string[]): Generator<string> {
  const places = new Set<unknown>();
  for (const mount of listAt(container, 'volumeMounts')) {
    if (!volumes.includes(String(at(mount, 'name')))) yield `there is no volume ${at(mount, 'name')}`;
    if (at(mount, 'subPath') !== undefined) yield `${at(mount, 'mountPath')} is a subPath, which is never updated`;
    if (places.has(at(mount, 'mountPath'))) yield `${at(mount, 'mountPath')} is mounted twice`;
    places.add(at(mount, 'mountPath'));
  }
}

/** The `restricted` Pod Security standard, on the container alone; probes by number; a spool in memory is none. */
function* outriderProblems(outrider: unknown, pod: unknown): Generator<string> {
  const context = at(outrider, 'securityContext');
  const wanted = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  for (const [field, value] of Object.entries(wanted)) {
    if (JSON.stringify(at(context, field)) !== JSON.stringify(value))
      yield `securityContext.${field} is not restricted`;
  }
  const user = at(context, 'runAsUser');
  if (user !== undefined && (typeof user !== 'number' || user === 0)) yield `runAsUser is ${user}`;
  const ports = listAt(outrider, 'ports').map((port) => at(port, 'containerPort'));
  for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const probe = at(outrider, name);
    if (probe !== undefined && !ports.includes(at(probe, 'httpGet', 'port')))
      yield `${name} asks a port that is not open`;
  }
  for (const volume of listAt(pod, 'spec', 'volumes')) {
    if (at(volume, 'emptyDir', 'medium') === 'Memory') yield `volume ${at(volume, 'name')} is in memory`;
    if (at(volume, 'hostPath') !== undefined) yield `volume ${at(volume, 'name')} is the node's`;
  }
  if (at(outrider, 'resources', 'limits', 'memory') === undefined) yield 'no memory limit';
}

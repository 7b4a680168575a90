/**
 * Puts the sidecar into a pod, or a workload's template of one: for the command line, which writes the result into a
 * manifest, and for the webhook, which answers with the operations. Nothing that is there is overwritten.
 */
import { createHash } from 'node:crypto';
import { asText, isMapping, valueAt } from '../config/raw-value.ts';
import { addAppEnv } from './app-env.ts';
import type { InjectSettings } from './inject-settings.ts';
import { Patch, type PatchOperation } from './json-patch.ts';
import { DEFAULT_CONTAINER_ANNOTATION, LABELS, STATUS_ANNOTATION, UNPRIVILEGED_PORT_SYSCTL } from './names.ts';
import { containersOf, listAt, podProblems } from './pod-checks.ts';
import { processConfig } from './process-config.ts';
import { parseQuantity, sameQuantity } from './quantity.ts';
import { InjectRefusal } from './refusal.ts';
import { readSettings, type Setting, settingsOf } from './settings.ts';
import { type Resources, SIDECAR, type SidecarOptions, sidecarContainer, sidecarVolumes } from './sidecar.ts';
import { type InjectStatus, readStatus } from './status.ts';
import { uninjectPod } from './uninject-pod.ts';

/** What is the same for every pod. */
export interface InjectBase {
  readonly image: string;
  readonly pullPolicy: string;
  readonly version: string;
  /** Secrets that the pod needs to pull the image. */
  readonly imagePullSecrets: readonly string[];
}

export interface InjectRequest extends InjectBase {
  /** Over the pod's annotations, and written into them; by the names of SETTINGS. */
  readonly given: ReadonlyMap<Setting['name'], string>;
  /** How a setting is called where it was given: `--config`, `outrider.dev/config`. */
  readonly nameOf: (setting: string, given: boolean) => string;
  /** What becomes of a sidecar of other settings or another version. */
  readonly stale: 'replace' | 'leave';
}

export interface Injection {
  readonly operations: readonly PatchOperation[];
  readonly document: unknown;
  readonly warnings: readonly string[];
  readonly result: 'injected' | 'unchanged' | 'completed' | 'left';
}

/** Annotations of ours that are no settings. */
const NOT_SETTINGS: readonly string[] = [...Object.values(LABELS), STATUS_ANNOTATION, SIDECAR.processAnnotation];

/**
 * @param template a mapping with `metadata` and `spec`: a Pod, or a template
 * @throws InjectRefusal with every reason
 */
export function injectPod(template: unknown, request: InjectRequest): Injection {
  const status = readStatus(template);
  // Refuses a sidecar of another origin, whatever else is wrong.
  const clean = uninjectPod(template);
  const settings = settingsFor(template, request);
  const present = containersOf(valueAt(template, ['spec'])).some(({ name }) => name === SIDECAR.name);
  if (status !== null && present) return injectAgain(template, status, settings, request);
  // A status without its sidecar was copied from elsewhere: what else is left of that one goes.
  const fresh = inject(clean.document, settings, request);
  return { ...fresh, operations: [...clean.operations, ...fresh.operations] };
}

function settingsFor(template: unknown, { given, nameOf }: InjectRequest): InjectSettings {
  const annotations = valueAt(template, ['metadata', 'annotations']);
  const all = settingsOf(isMapping(annotations) ? annotations : {}, NOT_SETTINGS);
  for (const [name, text] of given) all.set(name, text);
  const { settings, mistakes } = readSettings(all);
  if (mistakes.length === 0) return settings;
  throw new InjectRefusal(
    mistakes.map(({ name, message }) => `${nameOf(name, given.has(name))}: ${message}`).join('; '),
  );
}

/** The same once more is the same; containers that others added since get their environment. */
function injectAgain(
  template: unknown,
  status: InjectStatus,
  settings: InjectSettings,
  request: InjectRequest,
): Injection {
  const clean = uninjectPod(template);
  const fresh = inject(clean.document, settings, {
    ...request,
    given: new Map([...earlier(template, status), ...request.given]),
  });
  if (readStatus(fresh.document)?.hash === status.hash) {
    const patch = new Patch(template);
    const env = addAppEnv(patch, settings, status.env);
    if (patch.operations.length === 0) return { operations: [], document: template, warnings: [], result: 'unchanged' };
    patch.set(['metadata', 'annotations', STATUS_ANNOTATION], JSON.stringify({ ...status, env }));
    return { operations: patch.operations, document: patch.document, warnings: [], result: 'completed' };
  }
  if (request.stale === 'leave') {
    const warning = `it has a sidecar of version ${status.version} or with other settings already: left as it is`;
    return { operations: [], document: template, warnings: [warning], result: 'left' };
  }
  return { ...fresh, operations: [...clean.operations, ...fresh.operations] };
}

/** What was given to the command that time: its annotations went with the sidecar, and come back with it. */
function earlier(template: unknown, { annotations }: InjectStatus): Map<string, string> {
  const given = annotations.map((key) => [key, valueAt(template, ['metadata', 'annotations', key])]);
  return settingsOf(Object.fromEntries(given.filter(([, value]) => value !== undefined)), NOT_SETTINGS);
}

function inject(template: unknown, settings: InjectSettings, request: InjectRequest): Injection {
  const spec = valueAt(template, ['spec']);
  const problems = podProblems(spec, settings);
  if (problems.length > 0) throw new InjectRefusal(problems.join('; '));
  const options = optionsFor(spec, settings, request);
  const [container, volumes] = [sidecarContainer(options), sidecarVolumes(options)];
  const patch = new Patch(template);
  const warnings: string[] = [];
  const annotations = annotate(patch, settings, request, warnings);
  patch.insert(['spec', settings.native ? 'initContainers' : 'containers'], container, 'first');
  for (const volume of volumes) patch.insert(['spec', 'volumes'], volume);
  const env = addAppEnv(patch, settings, {});
  const aliases = intercept(patch, settings);
  const fsGroup = addFsGroup(patch, settings, warnings);
  const status: InjectStatus = {
    version: request.version,
    hash: hashOf([container, volumes, settings, options.configMaps.length === 1 ? processConfig(settings) : '']),
    container: container.name,
    volumes: volumes.map(({ name }) => name),
    annotations,
    env,
    ...aliases,
    fsGroup,
    imagePullSecrets: addPullSecrets(patch, request.imagePullSecrets),
  };
  patch.set(['metadata', 'annotations', STATUS_ANNOTATION], JSON.stringify(status));
  patch.set(['metadata', 'labels', LABELS.injected], 'true');
  return { operations: patch.operations, document: patch.document, warnings, result: 'injected' };
}

function optionsFor(spec: unknown, settings: InjectSettings, { image, pullPolicy }: InjectBase): SidecarOptions {
  const { config, native, inboundPort, appPort, spool, runAsUser, secret, extraEnv } = settings;
  const guaranteed = isGuaranteed(spec);
  return {
    image,
    pullPolicy,
    native,
    configMaps: config,
    ports: { ambassador: settings.port, metrics: settings.metricsPort, admin: settings.adminPort },
    inbound: inboundPort === null || appPort === null ? null : { port: inboundPort, appPort },
    spool,
    resources: resourcesOf(settings, guaranteed),
    guaranteed,
    runAsUser,
    secret,
    hideToken: valueAt(spec, ['automountServiceAccountToken']) !== false,
    extraEnv,
  };
}

/** null: none was asked for. */
function resourcesOf(settings: InjectSettings, guaranteed: boolean): Resources | null {
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = settings;
  if (cpuRequest + cpuLimit + memoryRequest + memoryLimit === '') return null;
  const base: Resources = guaranteed ? SIDECAR.guaranteed : SIDECAR.resources;
  const pick = (request: string, limit: string, kind: 'cpu' | 'memory'): [string, string] => {
    const [first, most] = [request || (base.requests?.[kind] ?? ''), limit || (base.limits?.[kind] ?? '')];
    // Asked for one of them alone, the other must not contradict it.
    const over = most !== '' && (parseQuantity(first) ?? 0) > (parseQuantity(most) ?? 0);
    return over ? (request === '' ? [most, most] : [first, first]) : [first, most];
  };
  const [cpu, cpuMost] = pick(cpuRequest, cpuLimit, 'cpu');
  const [memory, memoryMost] = pick(memoryRequest, memoryLimit, 'memory');
  return {
    requests: { cpu, memory },
    limits: { ...(cpuMost !== '' && { cpu: cpuMost }), memory: memoryMost },
  };
}

/** Every container's requests are its limits, for CPU and memory. */
function isGuaranteed(spec: unknown): boolean {
  return containersOf(spec).every(({ value }) =>
    (['cpu', 'memory'] as const).every((kind) => {
      const limit = valueAt(value, ['resources', 'limits', kind]);
      const request = valueAt(value, ['resources', 'requests', kind]);
      return limit !== undefined && (request === undefined || sameQuantity(limit, request));
    }),
  );
}

/** @returns the keys that were added */
function annotate(patch: Patch, settings: InjectSettings, request: InjectRequest, warnings: string[]): string[] {
  const added: string[] = [];
  const at = (key: string): string[] => ['metadata', 'annotations', key];
  const add = (key: string, value: string): void => {
    if (patch.at(...at(key)) === undefined) added.push(key);
    patch.set(at(key), value);
  };
  for (const [name, text] of request.given) add(`outrider.dev/${name}`, text);
  if (settings.config.length === 1) add(SIDECAR.processAnnotation, processConfig(settings));
  const [first] = listAt(patch.at('spec'), 'containers');
  const main = asText(valueAt(first, ['name'])) ?? '';
  if (patch.at(...at(DEFAULT_CONTAINER_ANNOTATION)) === undefined) add(DEFAULT_CONTAINER_ANNOTATION, main);
  if (settings.scrape) addScraping(patch, settings, add, warnings);
  return added;
}

function addScraping(
  patch: Patch,
  { metricsPort }: InjectSettings,
  add: (key: string, value: string) => void,
  warnings: string[],
): void {
  const annotations = patch.at('metadata', 'annotations');
  const others = Object.keys(isMapping(annotations) ? annotations : {}).filter((key) =>
    key.startsWith('prometheus.io/'),
  );
  if (others.length > 0) {
    warnings.push(
      `it has ${others.join(', ')}, which say where the application's metrics are: scrape the sidecar's by a PodMonitor, port "metrics"`,
    );
    return;
  }
  add('prometheus.io/scrape', 'true');
  add('prometheus.io/port', String(metricsPort));
  add('prometheus.io/path', '/metrics');
}

/** The hosts become loopback, and port 80 may be bound without a privilege. */
function intercept(patch: Patch, { intercept: hosts }: InjectSettings): Pick<InjectStatus, 'hosts' | 'sysctl'> {
  if (hosts.length === 0) return { hosts: [], sysctl: false };
  patch.insert(['spec', 'hostAliases'], { ip: '127.0.0.1', hostnames: hosts });
  const path = ['spec', 'securityContext', 'sysctls'];
  const there = patch.list(...path).some((sysctl) => valueAt(sysctl, ['name']) === UNPRIVILEGED_PORT_SYSCTL);
  if (!there) patch.insert(path, { name: UNPRIVILEGED_PORT_SYSCTL, value: '80' });
  return { hosts, sysctl: !there };
}

/** A claim's root belongs to root: the group makes it writable. It changes other claims' files as well, so not there. */
function addFsGroup(patch: Patch, { spool, runAsUser }: InjectSettings, warnings: string[]): boolean {
  if ((spool.kind !== 'claim' && spool.kind !== 'ephemeral') || runAsUser === null) return false;
  const path = ['spec', 'securityContext'];
  if (patch.at(...path, 'fsGroup') !== undefined) return false;
  const claims = patch
    .list('spec', 'volumes')
    .filter((volume) => ['persistentVolumeClaim', 'ephemeral'].some((kind) => valueAt(volume, [kind]) !== undefined));
  if (claims.length > 1) {
    warnings.push(
      `the spool's volume must be writable by user ${runAsUser}: securityContext.fsGroup is not set, since it would change the application's own volumes as well`,
    );
    return false;
  }
  patch.set([...path, 'fsGroup'], SIDECAR.securityContext.runAsGroup);
  if (patch.at(...path, 'fsGroupChangePolicy') === undefined) {
    patch.set([...path, 'fsGroupChangePolicy'], 'OnRootMismatch');
  }
  return true;
}

function addPullSecrets(patch: Patch, names: readonly string[]): string[] {
  const path = ['spec', 'imagePullSecrets'];
  const there = patch.list(...path).map((entry) => valueAt(entry, ['name']));
  const added = names.filter((name) => !there.includes(name));
  for (const name of added) patch.insert(path, { name });
  return added;
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

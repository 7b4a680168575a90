/**
 * The sidecar: the one container, and its volumes, that the chart, `outrider inject` and the injector put into a pod.
 * The constants are written into the library chart's template by `npm run sidecar`; test/kubernetes compares what the
 * three make of the same options.
 */
import { volumeSizeFor } from './quantity.ts';

/** What never differs between pods. */
export const SIDECAR = {
  name: 'outrider',
  repository: 'outrider',
  configFolder: '/etc/outrider/config',
  spoolFolder: '/var/lib/outrider/spool',
  secretFolder: '/var/run/secrets/outrider',
  /** Where Kubernetes mounts the API server's token into each container that mounts nothing there itself. */
  tokenFolder: '/var/run/secrets/kubernetes.io/serviceaccount',
  volumes: {
    config: 'outrider-config',
    spool: 'outrider-spool',
    secret: 'outrider-secret',
    token: 'outrider-no-token',
  },
  files: { process: 'outrider.yaml', routes: 'routes.yaml' },
  /** The injector's own process configuration, as an annotation that the config volume shows as a file. */
  processAnnotation: 'outrider.dev/process',
  ports: { ambassador: 5000, metrics: 5090, admin: 5091 },
  /** No CPU limit: throttling a proxy slows the application down, and an idle one takes next to nothing. */
  resources: { requests: { cpu: '25m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  /** Beside containers whose requests are their limits, so that the pod stays Guaranteed. */
  guaranteed: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '100m', memory: '128Mi' } },
  /**
   * The `restricted` Pod Security standard, said on the container: the pod's own fields are the application's. The
   * user is a number (a name can't be checked), and given even though the image has it: a pod's `runAsUser` would win.
   */
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsGroup: 10001,
    runAsNonRoot: true,
    runAsUser: 10001,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  /** The application starts after this: a second at most is added to its start. Nothing here waits for it. */
  startupProbe: { path: '/startupz', periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 120 },
  readinessProbe: { path: '/readyz', periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 },
  livenessProbe: { path: '/livez', periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6 },
} as const;

export type SpoolVolume =
  /** Gone with the pod. `size` is the spool's quota; the volume is larger. */
  | { readonly kind: 'emptyDir'; readonly size: string }
  | { readonly kind: 'claim'; readonly size: string; readonly claimName: string }
  /** A claim that Kubernetes makes for the pod, and deletes with it. */
  | { readonly kind: 'ephemeral'; readonly size: string; readonly storageClass: string }
  /** Of a StatefulSet's volumeClaimTemplates: it is mounted here and made there. */
  | { readonly kind: 'claimTemplate'; readonly size: string }
  | { readonly kind: 'none' };

export interface Resources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

export interface SidecarOptions {
  /** `registry/outrider:0.1.0` or with a digest. */
  readonly image: string;
  readonly pullPolicy: string;
  /** An init container with `restartPolicy: Always`; false: a plain container. */
  readonly native: boolean;
  /** One: its routes.yaml, and its outrider.yaml if it has one. Two: outrider.yaml of the first, routes.yaml of the second. */
  readonly configMaps: readonly string[];
  readonly ports: { readonly ambassador: number; readonly metrics: number; readonly admin: number };
  /** In front of the application too; null: not. */
  readonly inbound: { readonly port: number; readonly appPort: number } | null;
  readonly spool: SpoolVolume;
  /** null: the default for the pod's class. */
  readonly resources: Resources | null;
  readonly guaranteed: boolean;
  /** null: whatever the cluster gives (OpenShift), with group 0. */
  readonly runAsUser: number | null;
  /** A Secret whose keys are files for `${file:…}`; '': none. */
  readonly secret: string;
  /** The pod has a token for the API server, which must not be in this container. */
  readonly hideToken: boolean;
  readonly extraEnv: Readonly<Record<string, string>>;
}

export interface Container {
  readonly name: string;
  readonly [field: string]: unknown;
}

export interface Volume {
  readonly name: string;
  readonly [field: string]: unknown;
}

export function sidecarContainer(options: SidecarOptions): Container {
  const { image, pullPolicy, native, ports, inbound } = options;
  const { metrics } = ports;
  return {
    name: SIDECAR.name,
    image,
    imagePullPolicy: pullPolicy,
    ...(native && { restartPolicy: 'Always' }),
    args: ['run'],
    env: environment(options.extraEnv),
    ports: [
      { name: 'ambassador', containerPort: ports.ambassador, protocol: 'TCP' },
      { name: 'metrics', containerPort: metrics, protocol: 'TCP' },
      ...(inbound === null ? [] : [{ name: 'inbound', containerPort: inbound.port, protocol: 'TCP' }]),
    ],
    startupProbe: probe(SIDECAR.startupProbe, metrics),
    readinessProbe: probe(SIDECAR.readinessProbe, metrics),
    livenessProbe: probe(SIDECAR.livenessProbe, metrics),
    resources: resourcesFor(options),
    securityContext: securityContextFor(options.runAsUser),
    // A configuration it can't start with is on its last lines: `kubectl describe pod` shows them.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mounts(options),
  };
}

/** Those of the container, in the order of its mounts; a claim template is its StatefulSet's. */
export function sidecarVolumes(options: SidecarOptions): Volume[] {
  const { spool, secret, hideToken } = options;
  const { volumes } = SIDECAR;
  const volumeOfSpool = spoolVolume(spool);
  return [
    { name: volumes.config, projected: { sources: configSources(options.configMaps) } },
    ...(volumeOfSpool === null ? [] : [volumeOfSpool]),
    ...(secret === '' ? [] : [{ name: volumes.secret, secret: { secretName: secret } }]),
    ...(hideToken ? [{ name: volumes.token, emptyDir: { sizeLimit: '1Mi' } }] : []),
  ];
}

/**
 * One folder from two ConfigMaps: mounted whole, never by subPath, which is never updated. Of two, each gives its own
 * file only: who edits routes does not decide what the process may read.
 */
function configSources(configMaps: readonly string[]): unknown[] {
  const { files, processAnnotation } = SIDECAR;
  const [first = '', second] = configMaps;
  if (second !== undefined) return [configMapSource(first, files.process), configMapSource(second, files.routes)];
  const fieldPath = `metadata.annotations['${processAnnotation}']`;
  // A later source wins: an outrider.yaml of the ConfigMap is used instead of the annotation.
  return [
    { downwardAPI: { items: [{ path: files.process, fieldRef: { fieldPath } }] } },
    { configMap: { name: first } },
  ];
}

function configMapSource(name: string, file: string): unknown {
  return { configMap: { name, items: [{ key: file, path: file }] } };
}

function spoolVolume(spool: SpoolVolume): Volume | null {
  const { spool: name } = SIDECAR.volumes;
  switch (spool.kind) {
    case 'emptyDir':
      return { name, emptyDir: { sizeLimit: volumeSizeFor(spool.size) } };
    case 'claim':
      return { name, persistentVolumeClaim: { claimName: spool.claimName } };
    case 'ephemeral':
      return { name, ephemeral: { volumeClaimTemplate: { spec: claimSpec(spool.size, spool.storageClass) } } };
    case 'claimTemplate':
    case 'none':
      return null;
  }
}

function claimSpec(quota: string, storageClass: string): unknown {
  return {
    accessModes: ['ReadWriteOnce'],
    ...(storageClass !== '' && { storageClassName: storageClass }),
    resources: { requests: { storage: volumeSizeFor(quota) } },
  };
}

function mounts({ spool, secret, hideToken }: SidecarOptions): unknown[] {
  const { volumes, configFolder, spoolFolder, secretFolder, tokenFolder } = SIDECAR;
  return [
    { name: volumes.config, mountPath: configFolder, readOnly: true },
    ...(spool.kind === 'none' ? [] : [{ name: volumes.spool, mountPath: spoolFolder }]),
    ...(secret === '' ? [] : [{ name: volumes.secret, mountPath: secretFolder, readOnly: true }]),
    ...(hideToken ? [{ name: volumes.token, mountPath: tokenFolder, readOnly: true }] : []),
  ];
}

/** For `kubectl exec … outrider validate`, too. Names and places of the pod go into records. */
function environment(extra: Readonly<Record<string, string>>): unknown[] {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return [
    { name: 'OUTRIDER_CONFIG', value: SIDECAR.configFolder },
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('POD_UID', 'metadata.uid'),
    field('NODE_NAME', 'spec.nodeName'),
    ...Object.entries(extra).map(([name, value]) => ({ name, value })),
  ];
}

type Probe = { readonly path: string; readonly [field: string]: unknown };

function probe({ path, ...times }: Probe, port: number): unknown {
  return { httpGet: { path, port }, ...times };
}

/**
 * A spool on an emptyDir asks for its room, so that a node short of disk does not begin with this pod. There is no
 * limit: it would count what the application writes, and evict the pod for it.
 */
function resourcesFor({ resources, guaranteed, spool }: SidecarOptions): Resources {
  const chosen: Resources = resources ?? (guaranteed ? SIDECAR.guaranteed : SIDECAR.resources);
  if (spool.kind !== 'emptyDir' || chosen.requests?.['ephemeral-storage'] !== undefined) return chosen;
  return { ...chosen, requests: { ...chosen.requests, 'ephemeral-storage': volumeSizeFor(spool.size) } };
}

function securityContextFor(runAsUser: number | null): unknown {
  const { runAsUser: _user, runAsGroup: _group, ...any } = SIDECAR.securityContext;
  if (runAsUser === null) return any;
  const isOurs = runAsUser === SIDECAR.securityContext.runAsUser;
  // Another user has the image's folders by group 0, as OpenShift's do.
  return { ...any, runAsUser, runAsGroup: isOurs ? SIDECAR.securityContext.runAsGroup : 0 };
}

/** What the chart makes, by a real Helm: for each values file of chart/ci, and for what each value stands for. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/runtime/config/load.ts';
import { sidecarContainer, sidecarVolumes } from '../../src/runtime/kubernetes/sidecar.ts';
import {
  at,
  chartFolder,
  describeWithHelm,
  helms,
  KUBE_VERSION,
  listAt,
  only,
  parseYaml,
  render,
  runHelm,
} from '../helpers/helm.ts';
import { sidecarOptions } from '../kubernetes/sidecar-options.ts';
import { outriderIn, podOf, problemsOf } from './structure.ts';
import { fileOf, GATEWAY, ROUTES, workload } from './values.ts';

const FILES = readdirSync(join(chartFolder, 'ci')).filter((name) => name.endsWith('.yaml'));

/** The settings that Outrider makes of the two files of a release. */
function settingsOf(process: string, routes: string) {
  const files: Record<string, string> = { '/c/outrider.yaml': process, '/c/routes.yaml': routes };
  const readFile = (path: string) => files[path] ?? null;
  const listDir = (path: string) => (path === '/c' ? ['outrider.yaml', 'routes.yaml'] : null);
  return loadConfig({ path: '/c', env: {}, readFile, listDir }).settings;
}

describeWithHelm('the chart', () => {
  test.each(FILES)(
    'ci/%s renders objects that hold together, and a configuration that Outrider accepts',
    async (file) => {
      const manifests = await render({}, { files: [`ci/${file}`] });
      expect(problemsOf(manifests)).toEqual([]);
      const routes = manifests.find(({ metadata }) => metadata.name === 'acme-outrider-routes');
      const text = routes === undefined ? ROUTES : String(at(routes, 'data', 'routes.yaml'));
      const { process } = settingsOf(fileOf(manifests, 'acme-outrider-config', 'outrider.yaml'), text);
      expect(process.listeners[0]?.name).toBe('ambassador');
    },
  );

  test.each(FILES)('ci/%s passes helm lint without a warning', async (file) => {
    const { code, stdout, stderr } = await runHelm([
      'lint',
      '--strict',
      chartFolder,
      ...KUBE_VERSION,
      '-f',
      join(chartFolder, 'ci', file),
    ]);
    expect({ code, warnings: `${stdout}${stderr}`.match(/\[(WARNING|ERROR)\].*/g) }).toEqual({
      code: 0,
      warnings: null,
    });
  });

  test('both Helms on a machine make the same of the same values', async () => {
    const all = await Promise.all(helms().map((helm) => render({}, { files: ['ci/fleet-values.yaml'], helm })));
    for (const one of all) expect(one).toEqual(all[0]);
  });

  test('rendering twice makes the same bytes', async () => {
    const [first, second] = [await render(workload()), await render(workload())];
    expect(first).toEqual(second);
  });
});

describeWithHelm('a workload', () => {
  test('keeps its own fields and gets Outrider as the first init container, which stays', async () => {
    const init = { name: 'migrate', image: 'migrate:1.0' };
    const values = workload({}, { initContainers: [init], hostname: 'old' });
    const spec = at(podOf(only(await render(values), 'Deployment')), 'spec');
    expect(listAt(spec, 'initContainers').map((container) => at(container, 'name'))).toEqual(['outrider', 'migrate']);
    expect(at(spec, 'initContainers', 0, 'restartPolicy')).toBe('Always');
    expect(at(spec, 'initContainers', 1)).toEqual(init);
    expect(at(spec, 'hostname')).toBe('old');
  });

  test('has a plain container and drains with sidecar.native: false', async () => {
    const manifests = await render(workload({ sidecar: { native: false } }));
    const spec = at(podOf(only(manifests, 'Deployment')), 'spec');
    expect(listAt(spec, 'containers').map((container) => at(container, 'name'))).toEqual(['outrider', 'legacy']);
    expect(at(spec, 'containers', 0, 'restartPolicy')).toBeUndefined();
    expect(at(parseYaml(fileOf(manifests, 'acme-outrider-config', 'outrider.yaml')), 'shutdown', 'mode')).toBe('drain');
  });

  test.each(['DaemonSet', 'StatefulSet', 'Job'])('may be a %s', async (kind) => {
    const { workload: given } = Object.fromEntries(Object.entries(workload()));
    const manifests = await render(workload({ workload: { ...Object(given), kind } }));
    expect(problemsOf(manifests)).toEqual([]);
    expect(at(podOf(only(manifests, kind)), 'spec', 'initContainers', 0, 'name')).toBe('outrider');
  });

  test('has no replicas where workload.replicas is null: they are an autoscaler’s', async () => {
    const { workload: given } = Object.fromEntries(Object.entries(workload()));
    const manifests = await render(workload({ workload: { ...Object(given), replicas: null } }));
    expect(at(only(manifests, 'Deployment'), 'spec', 'replicas')).toBeUndefined();
  });

  test('with a claim is replaced one at a time', async () => {
    const manifests = await render(workload({ spool: { volume: 'claim' } }));
    expect(at(only(manifests, 'Deployment'), 'spec', 'strategy')).toEqual({ type: 'Recreate' });
    expect(at(only(manifests, 'PersistentVolumeClaim'), 'spec', 'resources', 'requests', 'storage')).toBe('448Mi');
    expect(at(podOf(only(manifests, 'Deployment')), 'spec', 'securityContext', 'fsGroup')).toBe(10001);
  });

  test('has its strategy written out: what Kubernetes fills in, Helm 4 can not take back for a claim', async () => {
    for (const values of [workload(), GATEWAY]) {
      expect(at(only(await render(values), 'Deployment'), 'spec', 'strategy')).toEqual({
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
      });
    }
    const given = Object(at(workload(), 'workload'));
    const own = { ...given, spec: { strategy: { type: 'Recreate' } } };
    expect(at(only(await render(workload({ workload: own })), 'Deployment'), 'spec', 'strategy')).toEqual({
      type: 'Recreate',
    });
  });

  test('keeps nothing with spool.volume: none', async () => {
    const manifests = await render(workload({ spool: { volume: 'none' } }));
    const settings = settingsOf(fileOf(manifests, 'acme-outrider-config', 'outrider.yaml'), ROUTES);
    expect(settings.process.spool.enabled).toBe(false);
    const outrider = outriderIn(podOf(only(manifests, 'Deployment')));
    const mounts = listAt(outrider, 'volumeMounts').map((mount) => at(mount, 'name'));
    expect(mounts).not.toContain('outrider-spool');
    expect(at(outrider, 'resources', 'requests', 'ephemeral-storage')).toBeUndefined();
  });

  test('on an emptyDir asks for the room that the volume may take, and is under no limit for it', async () => {
    const pod = podOf(only(await render(workload({ spool: { size: '1Gi' } })), 'Deployment'));
    const volume = listAt(pod, 'spec', 'volumes').find((one) => at(one, 'name') === 'outrider-spool');
    expect(at(volume, 'emptyDir', 'sizeLimit')).toBe('1600Mi');
    const resources = at(outriderIn(pod), 'resources');
    expect(at(resources, 'requests', 'ephemeral-storage')).toBe('1600Mi');
    expect(at(resources, 'limits', 'ephemeral-storage')).toBeUndefined();
  });
});

describeWithHelm('the pod', () => {
  test('has the container and the volumes of the one definition', async () => {
    const pod = podOf(only(await render(workload()), 'Deployment'));
    const options = sidecarOptions({ configMaps: ['acme-outrider-config', 'acme-outrider-routes'] });
    expect(outriderIn(pod)).toEqual(sidecarContainer(options));
    expect(listAt(pod, 'spec', 'volumes')).toEqual(sidecarVolumes(options));
  });

  test('of a workload keeps its ServiceAccount unless one is named', async () => {
    const accounts = async (values: object) => {
      const manifests = await render(values);
      const made = manifests.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name);
      const pod = podOf(only(manifests, 'Deployment'));
      return { made, used: at(pod, 'spec', 'serviceAccountName') };
    };
    expect(await accounts(workload())).toEqual({ made: [], used: undefined });
    expect(await accounts(workload({ serviceAccount: { name: 'edge' } }))).toEqual({ made: ['edge'], used: 'edge' });
    expect(await accounts(workload({ serviceAccount: { name: 'edge', create: false } }))).toEqual({
      made: [],
      used: 'edge',
    });
    expect(await accounts(workload({ serviceAccount: { name: 'edge' } }, { serviceAccountName: 'own' }))).toMatchObject(
      { used: 'own' },
    );
    expect(await accounts(GATEWAY)).toEqual({ made: ['acme-outrider'], used: 'acme-outrider' });
  });

  test('says where metrics are if asked to, and never over what the application says of its own', async () => {
    const port = async (values: object) =>
      at(podOf(only(await render(values), 'Deployment')), 'metadata', 'annotations', 'prometheus.io/port');
    const monitoring = { scrapeAnnotations: true };
    expect(await port(workload())).toBeUndefined();
    expect(await port(workload({ monitoring }))).toBe('5090');
    const given = Object(at(workload(), 'workload', 'template'));
    const own = { template: { ...given, metadata: { annotations: { 'prometheus.io/path': '/own' } } } };
    expect(await port(workload({ monitoring, workload: own }))).toBeUndefined();
  });

  test('may have any user with group 0, however large its number', async () => {
    const user = 1_000_650_000;
    const values = workload(
      { sidecar: { securityContext: { runAsUser: user, runAsGroup: 0 } } },
      { securityContext: { fsGroup: user } },
    );
    const pod = podOf(only(await render(values), 'Deployment'));
    expect(at(outriderIn(pod), 'securityContext')).toMatchObject({ runAsUser: user, runAsGroup: 0 });
    expect(at(pod, 'spec', 'securityContext', 'fsGroup')).toBe(user);
  });

  test('stays Guaranteed where it was', async () => {
    const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1000m', memory: '1024Mi' } };
    const values = workload({}, { containers: [{ name: 'legacy', image: 'legacy:1.0', resources }] });
    const own = at(outriderIn(podOf(only(await render(values), 'Deployment'))), 'resources');
    for (const kind of ['cpu', 'memory']) expect(at(own, 'requests', kind)).toBe(at(own, 'limits', kind));
  });
});

describeWithHelm('routes', () => {
  test('that are seeded are a hook, made before all else and deleted by nothing', async () => {
    const { metadata } = only(await render(GATEWAY), 'ConfigMap', 'acme-outrider-routes');
    expect(metadata.annotations).toEqual({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-weight': '-5',
      'helm.sh/hook-delete-policy': 'hook-failed',
    });
    expect(metadata.labels?.['outrider.dev/routes']).toBe('true');
  });

  test('that are managed are an object of the release', async () => {
    const manifests = await render({ ...GATEWAY, routes: { ownership: 'managed', content: ROUTES } });
    expect(only(manifests, 'ConfigMap', 'acme-outrider-routes').metadata.annotations).toBeUndefined();
  });

  test('that exist are mounted and not made', async () => {
    const manifests = await render({ ...GATEWAY, routes: { ownership: 'existing', existingConfigMap: 'mine' } });
    const sources = listAt(podOf(only(manifests, 'Deployment')), 'spec', 'volumes', 0, 'projected', 'sources');
    expect(sources.map((source) => at(source, 'configMap', 'name'))).toEqual(['acme-outrider-config', 'mine']);
    expect(manifests.filter(({ kind }) => kind === 'ConfigMap')).toHaveLength(1);
  });

  test('have the name that is to outlive the release', async () => {
    const manifests = await render({ ...GATEWAY, routes: { content: ROUTES, configMapName: 'shop-routes' } });
    expect(fileOf(manifests, 'shop-routes', 'routes.yaml')).toBe(ROUTES);
  });

  test('stay as written, but that no line ends in a space', async () => {
    const content = 'targets:  \r\n  a: http://a\t\n# on: no 0123\ndefault: a   ';
    const manifests = await render({ ...GATEWAY, routes: { content } });
    expect(fileOf(manifests, 'acme-outrider-routes', 'routes.yaml')).toBe(
      'targets:\n  a: http://a\n# on: no 0123\ndefault: a\n',
    );
  });

  test('of the older dispatcher are taken as they are', async () => {
    const content = 'key: environment\nrewrites:\n  qa:\n    destination: http://qa\ndestination: http://prod\n';
    const manifests = await render({ ...GATEWAY, routes: { content } });
    expect(fileOf(manifests, 'acme-outrider-routes', 'routes.yaml')).toBe(content);
  });
});

describeWithHelm('the process configuration', () => {
  const processOf = async (values: object) =>
    parseYaml(fileOf(await render({ ...GATEWAY, ...values }), 'acme-outrider-config', 'outrider.yaml'));

  test('is merged from `config` over what the values say', async () => {
    const process = await processOf({
      kafka: { brokers: ['k:9092'] },
      config: { kafka: { topic: 'mine' }, log: { level: 'warn' } },
    });
    expect(at(process, 'kafka')).toEqual({ brokers: ['k:9092'], topic: 'mine' });
    expect(at(process, 'log', 'level')).toBe('warn');
  });

  test('rolls the pods for what needs a restart, and for nothing else', async () => {
    const checksum = async (values: object) =>
      at(
        podOf(only(await render({ ...GATEWAY, ...values }), 'Deployment')),
        'metadata',
        'annotations',
        'outrider.dev/restart-checksum',
      );
    const before = await checksum({});
    expect(await checksum({ kafka: { brokers: ['k:9092'] } })).toBe(before);
    expect(await checksum({ ports: { ambassador: 5001 } })).not.toBe(before);
  });
});

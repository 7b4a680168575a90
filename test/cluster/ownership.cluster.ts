/**
 * Whose routes.yaml is, with each Helm there is, on the API server that KUBECONFIG names. No pod has to run for it: an
 * edit is in the ConfigMap, or it is lost.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { cleanUp } from '../helpers/cleanup.ts';
import { chartFolder, type Helm, type HelmResult, helms, runHelm } from '../helpers/helm.ts';

const VALUES = `${chartFolder}/ci/workload-values.yaml`;
const ROUTES = 'shop-routes';
const SUITE_MS = 180_000;

/** A namespace of its own that enforces `restricted`, and one Helm that works in it. */
class Shop {
  readonly namespace = `ownership-${randomBytes(3).toString('hex')}`;
  private readonly helm: Helm;

  constructor(helm: Helm) {
    this.helm = helm;
  }

  async create(): Promise<void> {
    await this.kubectl({}, 'create', 'namespace', this.namespace);
    cleanUp(() => this.kubectl({}, 'delete', 'namespace', this.namespace, '--wait=false').then(() => undefined));
    await this.kubectl({}, 'label', 'namespace', this.namespace, 'pod-security.kubernetes.io/enforce=restricted');
  }

  async kubectl(env: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
    const options = { env: { ...process.env, ...env }, timeout: 60_000 };
    return (await promisify(execFile)('kubectl', ['-n', this.namespace, ...args], options)).stdout;
  }

  attempt(verb: string, release: string, ...args: string[]): Promise<HelmResult> {
    const given = verb === 'install' || verb === 'upgrade' ? [chartFolder, '-f', VALUES] : [];
    return runHelm([verb, release, ...given, '-n', this.namespace, ...args], this.helm, process.env.KUBECONFIG);
  }

  /** @throws with what Helm said where it fails */
  async run(verb: string, release: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(verb, release, ...args);
    if (code !== 0) throw new Error(`helm ${verb} ${release}: ${stderr}`);
    return stdout;
  }

  /** As a person does it: `kubectl edit`, with an editor that changes the port of qa. */
  async edit(configMap: string, port: number): Promise<void> {
    const editor = { KUBE_EDITOR: `sed -i -E s/enricher.qa.svc:[0-9]+/enricher.qa.svc:${port}/` };
    await this.kubectl(editor, 'edit', 'configmap', configMap);
  }

  file(configMap: string, name: string): Promise<string> {
    const path = `jsonpath={.data.${name.replace('.', '\\.')}}`;
    return this.kubectl({}, 'get', 'configmap', configMap, '-o', path);
  }
}

describe.each(helms())('with Helm $major', (helm) => {
  test(
    'seeded routes keep every edit through upgrade, rollback, uninstall and a release of another name',
    async () => {
      const shop = new Shop(helm);
      await shop.create();
      const named = ['--set', `routes.configMapName=${ROUTES}`];
      const qa = async () => /enricher\.qa\.svc:([0-9]+)/.exec(await shop.file(ROUTES, 'routes.yaml'))?.[1];
      await shop.run('install', 'acme', ...named);
      expect(await qa()).toBe('8080');
      await shop.edit(ROUTES, 8081);
      await shop.run('upgrade', 'acme', ...named, '--set', 'kafka.brokers=kafka:9092');
      expect(await qa()).toBe('8081');
      expect(await shop.file('acme-outrider-config', 'outrider.yaml')).toContain('kafka:9092');
      await shop.edit(ROUTES, 8082);
      await shop.run('rollback', 'acme', '1');
      expect(await qa()).toBe('8082');
      expect(await shop.file('acme-outrider-config', 'outrider.yaml')).not.toContain('kafka:9092');
      expect(await shop.run('upgrade', 'acme', ...named)).toContain('NOTE: it was edited');
      await shop.run('uninstall', 'acme');
      expect(await qa()).toBe('8082');
      await shop.run('install', 'other', ...named);
      expect(await qa()).toBe('8082');
      await shop.run('uninstall', 'other');
      const left = await shop.kubectl({}, 'get', 'all,configmap,serviceaccount,pvc,secret', '-o', 'name');
      const ours = left
        .split('\n')
        .filter((name) => !/^$|kube-root-ca|serviceaccount\/default|sh\.helm\.release/.test(name));
      expect(ours).toEqual([`configmap/${ROUTES}`]);
    },
    SUITE_MS,
  );

  test(
    'routes go from managed to seeded only once Helm is told to keep them',
    async () => {
      const shop = new Shop(helm);
      await shop.create();
      await shop.run('install', 'acme', '--set', 'routes.ownership=managed');
      const { code, stderr } = await shop.attempt('upgrade', 'acme');
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('helm.sh/resource-policy=keep') });
      const configMap = 'acme-outrider-routes';
      await shop.kubectl({}, 'annotate', 'configmap', configMap, 'helm.sh/resource-policy=keep');
      await shop.edit(configMap, 8081);
      await shop.run('upgrade', 'acme');
      await shop.run('uninstall', 'acme');
      expect(await shop.file(configMap, 'routes.yaml')).toContain('enricher.qa.svc:8081');
    },
    SUITE_MS,
  );

  test(
    'a Deployment gets a claim for its spool, a plain container and an inbound listener, and gives them back',
    async () => {
      const shop = new Shop(helm);
      await shop.create();
      const one = ['--set', 'workload.replicas=1'];
      await shop.run('install', 'acme', ...one);
      const steps: readonly (readonly string[])[] = [
        ['spool.volume=claim'],
        ['sidecar.native=false'],
        ['sidecar.inbound.port=8081', 'sidecar.inbound.appPort=8080', 'sidecar.intercept.hosts={billing.corp}'],
        ['service.type=NodePort', 'sidecar.appEnv=httpProxy'],
        [],
      ];
      for (const step of steps) await shop.run('upgrade', 'acme', ...one, ...step.flatMap((value) => ['--set', value]));
      const path = 'jsonpath={.spec.strategy.type} {.spec.template.spec.hostAliases}';
      expect(await shop.kubectl({}, 'get', 'deployment', 'acme-outrider', '-o', path)).toBe('RollingUpdate ');
      await shop.run('uninstall', 'acme');
    },
    SUITE_MS,
  );
});

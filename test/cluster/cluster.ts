/** The cluster of `npm run test:cluster`: kubectl, helm, namespaces that go with the test file. */
import { type ExecFileOptions, execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageVersion } from '../../scripts/image/outrider.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';

export const OUTRIDER_IMAGE = `outrider:${packageVersion()}`;
export const NGINX_IMAGE = process.env.OUTRIDER_NGINX_IMAGE ?? 'nginx:stable';
export const LONG_MS = 180_000;

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end; a code other than 0 is no error. */
export function attempt(command: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Output> {
  return new Promise((resolve) => {
    execFile(command, args, { maxBuffer: 1 << 26, ...options }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout: String(stdout), stderr: String(stderr) || (error?.message ?? '') });
    });
  });
}

/** Runs to the end and returns what it printed. Throws with what it said when that fails. */
export async function must(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || stdout}`);
  return stdout;
}

export const kubectl = (...args: string[]): Promise<string> => must('kubectl', ...args);

export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Deleted after the test file, without waiting for it. `level`: of Pod Security. */
  static async create(prefix: string, level: 'restricted' | 'privileged' = 'restricted'): Promise<Namespace> {
    const namespace = new Namespace(`${prefix}-${randomBytes(3).toString('hex')}`);
    await kubectl('create', 'namespace', namespace.name);
    cleanUp(() => void kubectl('delete', 'namespace', namespace.name, '--wait=false'), { shared: true });
    await kubectl('label', 'namespace', namespace.name, `pod-security.kubernetes.io/enforce=${level}`);
    await waitFor(() => namespace.kubectl('get', 'serviceaccount', 'default'), { what: 'the ServiceAccount' });
    return namespace;
  }

  kubectl(...args: string[]): Promise<string> {
    return kubectl('-n', this.name, ...args);
  }

  /** Applies a manifest of `fixtures/`, with the names of this namespace and of the images filled in. */
  apply(fixture: string, change: (text: string) => string = (text) => text): void {
    const text = readFileSync(join(import.meta.dirname, 'fixtures', fixture), 'utf8');
    const names = { NAMESPACE: this.name, OUTRIDER_IMAGE, NGINX_IMAGE };
    const input = Object.entries(names).reduce((whole, [name, value]) => whole.replaceAll(name, value), change(text));
    execFileSync('kubectl', ['-n', this.name, 'apply', '-f', '-'], { input, stdio: ['pipe', 'ignore', 'inherit'] });
  }

  rolledOut(...names: string[]): Promise<string[]> {
    return Promise.all(names.map((name) => this.kubectl('rollout', 'status', name, '--timeout=120s')));
  }

  async clusterIp(service: string): Promise<string> {
    return (await this.kubectl('get', 'service', service, '-o', 'jsonpath={.spec.clusterIP}')).trim();
  }

  /** The only pod that these labels select, leaving out those that are on their way out. */
  async pod(selector: string): Promise<Pod> {
    const list = JSON.parse(await this.kubectl('get', 'pods', '-l', selector, '-o', 'json'));
    const pods: Pod[] = list.items.filter(({ metadata }: Pod) => metadata.deletionTimestamp === undefined);
    const [pod] = pods;
    if (pod === undefined || pods.length > 1) throw new Error(`${pods.length} pods are ${selector}`);
    return pod;
  }
}

export interface ContainerStatus {
  readonly name: string;
  readonly containerID: string;
  readonly restartCount: number;
  readonly state: Readonly<Record<string, { readonly reason?: string; readonly message?: string }>>;
  readonly lastState: Readonly<Record<string, { readonly reason?: string; readonly exitCode?: number }>>;
}

export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP: string;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export function containerOf({ status, metadata }: Pod, name: string): ContainerStatus {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const found = all.find((container) => container.name === name);
  if (found === undefined) throw new Error(`${metadata.name} has no container ${name}`);
  return found;
}

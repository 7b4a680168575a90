/**
 * A CycloneDX bill of what is in the image: Outrider's packages by the lock file, Node.js, and the libraries beside it.
 * `npm sbom --omit dev` would leave out packages that development needs, too. https://cyclonedx.org/docs/1.6/json/
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../project.mjs';
import { sha256 } from './chart-package.ts';
import { type ImageFile, nodeVersionOf, readImageFiles } from './image-files.ts';

export interface Component {
  readonly 'bom-ref': string;
  readonly type: 'library' | 'platform' | 'file' | 'container';
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly licenses?: readonly { readonly expression: string }[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

export interface Bill {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** An entry of package-lock.json; its path is where it is installed. */
interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Lock = Readonly<Record<string, Locked>>;

/** Of the image in this archive. The same archive and time give the same text. */
export function billOfMaterials(archive: string, at: Date): Bill {
  const { packages: lock }: { packages: Lock } = readJson('package-lock.json');
  const files = readImageFiles(archive);
  const shipped = shippedPackages(files, lock);
  const self = selfComponent();
  const runtime = runtimeComponents(files);
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialNumber(readFileSync(archive)),
    version: 1,
    metadata: { timestamp: at.toISOString(), component: self },
    components: [...unique(shipped.map((path) => packageComponent(path, lock))), ...runtime],
    dependencies: [
      { ref: self['bom-ref'], dependsOn: [...dependsOn('', lock, shipped), ...runtime.map((one) => one['bom-ref'])] },
      ...unique(
        shipped.map((path) => ({ 'bom-ref': purlOf(path, lock), dependsOn: dependsOn(path, lock, shipped) })),
      ).map(({ 'bom-ref': ref, dependsOn }) => ({ ref, dependsOn })),
    ],
  };
}

function selfComponent(): Component {
  const { name, version, license }: { name: string; version: string; license: string } = readJson('package.json');
  const licenses = [{ expression: license }];
  return { 'bom-ref': `${name}@${version}`, type: 'container', name, version, licenses };
}

/** Where the image has packages. @throws for one that the lock file does not know */
function shippedPackages(files: readonly ImageFile[], lock: Lock): string[] {
  const manifest = /^app\/((?:node_modules\/(?:@[^/]+\/)?[^/]+\/?)+)\/package\.json$/;
  const paths = files.flatMap(({ path }) => manifest.exec(path)?.[1] ?? []);
  for (const path of paths) if (lock[path] === undefined) throw new Error(`package-lock.json does not know ${path}`);
  return paths.sort();
}

function packageComponent(path: string, lock: Lock): Component {
  const { version = '', integrity = '', license } = lock[path] ?? {};
  const [algorithm = '', digest = ''] = integrity.split('-');
  const content = Buffer.from(digest, 'base64').toString('hex');
  return {
    'bom-ref': purlOf(path, lock),
    type: 'library',
    name: nameOf(path),
    version,
    purl: purlOf(path, lock),
    ...(license !== undefined && { licenses: [{ expression: license }] }),
    ...(content !== '' && { hashes: [{ alg: algorithm.toUpperCase().replace('SHA', 'SHA-'), content }] }),
  };
}

/** As Node.js looks for them: in the package's own folder, then in each above it. Optional ones may not be there. */
function dependsOn(path: string, lock: Lock, shipped: readonly string[]): string[] {
  const { dependencies = {}, optionalDependencies = {} } = lock[path] ?? {};
  return Object.keys({ ...dependencies, ...optionalDependencies })
    .sort()
    .flatMap((name) => {
      for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
        const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
        if (shipped.includes(candidate)) return [purlOf(candidate, lock)];
        if (folder === '') return [];
      }
    });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** https://github.com/package-url/purl-spec */
function purlOf(path: string, lock: Lock): string {
  return `pkg:npm/${nameOf(path).replace('@', '%40')}@${lock[path]?.version}`;
}

/** Node.js, and every library beside it. */
function runtimeComponents(files: readonly ImageFile[]): Component[] {
  const node = files.find(({ path }) => path === 'usr/local/bin/node');
  if (node === undefined) throw new Error('there is no Node.js in the image');
  const version = nodeVersionOf(node.bytes);
  const purl = `pkg:generic/node@${version}`;
  const libraries = files.filter(({ path }) => /\.so(\.[0-9]+)*$/.test(path) && !path.startsWith('app/'));
  return [
    { 'bom-ref': purl, type: 'platform', name: 'node', version, purl, hashes: [hashOf(node)] },
    ...libraries.map(
      (file): Component => ({ 'bom-ref': file.path, type: 'file', name: `/${file.path}`, hashes: [hashOf(file)] }),
    ),
  ];
}

function hashOf({ bytes }: ImageFile): { alg: string; content: string } {
  return { alg: 'SHA-256', content: sha256(bytes) };
}

/** One for each reference: a package may be installed at two places. */
function unique<T extends { readonly 'bom-ref': string }>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item['bom-ref'], item])).values()];
}

/** A UUID of our own making (version 8) from the archive's hash. */
function serialNumber(bytes: Buffer): string {
  const hex = sha256(bytes);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}

function readJson(path: string) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

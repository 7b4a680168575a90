/**
 * An image archive from a folder: an OCI layout that has docker's manifest.json too, so that containerd, docker, podman,
 * kind and minikube load it. The same folder gives the same bytes.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

/** A path of the image that is not root's. */
export interface Owner {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
}

export interface Archive {
  /** With its tag: outrider:0.1.0. */
  readonly name: string;
  readonly root: string;
  readonly config: ImageConfig;
  readonly owners: readonly Owner[];
  /** A folder of the caller's, for what is made on the way. */
  readonly work: string;
  readonly output: string;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const MACHINES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Writes the archive and returns its digest. */
export function writeArchive({ name, root, config, owners, work, output }: Archive): string {
  const layout = join(work, 'layout');
  rmSync(layout, { recursive: true, force: true });
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true });
  const layer = join(work, 'layer.tar');
  writeLayer(root, layer, owners);
  const layerBlob = addBlob(layout, readFileSync(layer));
  const platform = { architecture: MACHINES[process.arch] ?? process.arch, os: 'linux' };
  const rootfs = { type: 'layers', diff_ids: [layerBlob.digest] };
  const image = addBlob(layout, json({ ...platform, created: '1970-01-01T00:00:00Z', config, rootfs }));
  const manifest = addBlob(
    layout,
    json({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...image },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layerBlob }],
    }),
  );
  const annotations = {
    'io.containerd.image.name': fullName(name),
    'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
  };
  const manifests = [{ mediaType: MANIFEST, ...manifest, platform, annotations }];
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, mediaType, manifests }));
  writeFileSync(
    join(layout, 'manifest.json'),
    json([{ Config: blobPath(image.digest), RepoTags: [name], Layers: [blobPath(layerBlob.digest)] }]),
  );
  tar(layout, output, ['.']);
  rmSync(layout, { recursive: true, force: true });
  rmSync(layer);
  return manifest.digest;
}

/** Root owns what `owners` do not name, whoever makes the archive. */
function writeLayer(root: string, layer: string, owners: readonly Owner[]): void {
  const aside = owners.map(({ path }) => `--exclude=./${path}`);
  tar(root, layer, ['--owner=0', '--group=0', ...aside, '.']);
  for (const { path, uid, gid } of owners) {
    const part = `${layer}.part`;
    tar(root, part, [`--owner=${uid}`, `--group=${gid}`, `./${path}`]);
    execFileSync('tar', ['--concatenate', `--file=${layer}`, part]);
    rmSync(part);
  }
}

function tar(folder: string, output: string, args: readonly string[]): void {
  const steady = ['--sort=name', '--mtime=@0', '--numeric-owner', '--format=gnu', '--owner=0', '--group=0'];
  const fresh = `${output}.new`;
  execFileSync('tar', ['--create', `--file=${fresh}`, `--directory=${folder}`, ...steady, ...args]);
  renameSync(fresh, output);
}

function addBlob(layout: string, bytes: Buffer): { digest: string; size: number } {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  writeFileSync(join(layout, blobPath(digest)), bytes);
  return { digest, size: bytes.length };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** As container runtimes write a name that has no registry. */
function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length === 0) return `docker.io/library/${name}`;
  return /[.:]|^localhost$/.test(first) ? name : `docker.io/${name}`;
}

/** Copies a program and the libraries it loads to the same paths below `root`. */
export function copyProgram(binary: string, root: string, path = binary): void {
  copyFile(binary, root, path);
  copyLibraries(binary, root);
}

/** What the dynamic linker would load, at the same paths below `root`. */
export function copyLibraries(binary: string, root: string): void {
  const { stdout } = spawnSync('ldd', [binary], { encoding: 'utf8' });
  for (const [, library = ''] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    // Beside the program itself: it is there already.
    if (!library.startsWith(root)) copyFile(library, root, library);
  }
}

function copyFile(from: string, root: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  copyFileSync(realpathSync(from), join(root, path));
}

/** The image's file system as the Dockerfile would make it, in a folder, and processes inside it. */
import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../scripts/build.mjs';
import { type Child, startChild } from '../helpers/child.ts';
import { argumentsOf, copiesOf, readDockerfile } from './dockerfile.ts';
import { projectRoot } from './tree.ts';

const IMAGE_UID = 10001;

/** Follows the COPY lines of the last stage; what an earlier stage makes is made here in its way. */
export function makeImageRoot(work: string): string {
  const root = join(work, 'image');
  mkdirSync(root);
  const stages: Readonly<Record<string, (path: string) => string>> = {
    '': (path) => join(projectRoot, path),
    rootfs: (path) => path.replace('/made', join(work, 'made')),
    modules: (path) => path.replace('/build', join(work, 'modules')),
    build: (path) => path.replace('/build', projectRoot),
  };
  execFileSync('sh', [join(projectRoot, 'scripts/image-rootfs.sh'), process.execPath, join(work, 'made')]);
  copyProductionModules(join(work, 'modules'));
  build();
  for (const { from, owner, sources, destination } of copiesOf(imageStage())) {
    for (const source of sources) copyInto(stages[from]?.(source) ?? source, join(root, destination), source);
    if (owner !== '' && process.getuid?.() === 0) chownSync(join(root, destination, 'outrider'), IMAGE_UID, 0);
  }
  return root;
}

/** As Docker does: of a folder its contents, a file by its name into a folder. */
function copyInto(from: string, to: string, source: string): void {
  const isFolder = source.endsWith('/');
  cpSync(from, isFolder ? to : join(to, source), { recursive: true, verbatimSymlinks: true });
}

function imageStage() {
  const stage = readDockerfile().at(-1);
  if (stage === undefined) throw new Error('the Dockerfile has no stage');
  return stage;
}

/** What `npm ci --omit=dev` would leave, by the lock file. */
function copyProductionModules(folder: string): void {
  const lock: { packages: Record<string, { dev?: boolean; devOptional?: boolean }> } = JSON.parse(
    readFileSync(join(projectRoot, 'package-lock.json'), 'utf8'),
  );
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '' || entry.dev === true || entry.devOptional === true) continue;
    cpSync(join(projectRoot, path), join(folder, path), { recursive: true });
  }
}

/** The image's entry point and command, or other words in their place. */
export function imageCommand(...command: string[]): string[] {
  const list = (name: string): string[] => JSON.parse(argumentsOf(imageStage(), name)[0] ?? '[]');
  return [...list('ENTRYPOINT'), ...(command.length > 0 ? command : list('CMD'))];
}

/** Runs in the image as its user and as process 1, without network of its own, as a container would. */
export function startInImage(root: string, command: readonly string[], env: Record<string, string> = {}): Child {
  const isRoot = process.getuid?.() === 0;
  const namespaces = ['--pid', '--fork', '--kill-child', ...(isRoot ? [] : ['--map-root-user'])];
  const user = isRoot ? [`--userspec=${IMAGE_UID}:${IMAGE_UID}`] : [];
  const inside = ['chroot', ...user, root, ...command];
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return startChild('unshare', [...namespaces, ...inside], { env: { PATH, NODE_ENV: 'production', ...env } });
}

/** The command line of a process. */
export function wordsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** Process 1 of the image, as the machine outside numbers it. */
export function innerPid(child: Child): number {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}

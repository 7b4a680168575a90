/** The image's file system as the Dockerfile makes it, in a folder: without docker, a registry or root. */
import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../build.mjs';
import { root as projectRoot } from '../project.mjs';
import { copiesOf, imageStage } from './dockerfile.ts';

/** Whom the image runs as. */
export const IMAGE_UID = 10001;

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

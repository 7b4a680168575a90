// Bundles src/ into dist/, unless dist/ was made from the same sources already.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hashFiles, nodeBinary, root, runQuietly, say } from './project.mjs';

const SOURCES = ['src', 'scripts/bundle.mjs', 'tsconfig.json', 'package-lock.json'];

/** Resolves to 'present' or 'built'. A build that fails leaves the last good dist/ in place and throws. */
export function build(folder = root) {
  const wanted = hashFiles(SOURCES, folder);
  const stamp = join(folder, 'dist', '.built-from');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 'present';
  const fresh = join(folder, `dist.${process.pid}`);
  try {
    bundle(folder, fresh);
    writeFileSync(join(fresh, '.built-from'), wanted);
    rmSync(join(folder, 'dist'), { recursive: true, force: true });
    renameSync(fresh, join(folder, 'dist'));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return 'built';
}

function bundle(folder, outDir) {
  const args = [join(root, 'scripts', 'bundle.mjs'), folder, outDir];
  const { code, output } = runQuietly(nodeBinary(), args, { cwd: folder });
  if (code !== 0) throw new Error(`the sources can't be bundled:\n${output.trim()}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    say(build() === 'built' ? 'Built dist/.' : 'dist/ is up to date.');
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}

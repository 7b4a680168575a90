// Installs the packages of package-lock.json when they are not there yet, and only then: no network on later runs.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outerPath, root, runQuietly, say } from './project.mjs';

const STAMP = 'node_modules/.outrider-installed';

/** Makes node_modules agree with package-lock.json. Throws with what to do when that fails. */
export function ensureModules(folder = root, install = installModules) {
  const wanted = lockHash(folder);
  const stamp = join(folder, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && hasNode(folder)) return 'present';
  if (installedAsLocked(folder)) {
    writeFileSync(stamp, wanted);
    return 'adopted';
  }
  rmSync(stamp, { force: true });
  install(folder);
  writeFileSync(stamp, wanted);
  return 'installed';
}

/** The platform is part of it: a working tree shared between machines gets the right binaries on each. */
function lockHash(folder) {
  const lock = readFileSync(join(folder, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform} ${process.arch}`).digest('hex');
}

/** The last package that an interrupted installation would bring. */
function hasNode(folder) {
  return existsSync(join(folder, 'node_modules', '.bin', 'node'));
}

/** True when somebody ran npm by hand and it left exactly what the lock file names. */
function installedAsLocked(folder) {
  const hidden = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden) || !hasNode(folder)) return false;
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const locked = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

/** `npm ci` of the npm on the person's PATH: not on the Node in node_modules, which it is about to replace. */
function installModules(folder) {
  say('Installing packages (once) …');
  const args = ['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const env = {
    ...process.env,
    PATH: outerPath(),
    npm_config_update_notifier: 'false',
    npm_config_prefer_offline: 'true',
  };
  const { code, output } = runQuietly('npm', args, { cwd: folder, env });
  if (code === 0) return;
  throw new Error(`npm ci failed (exit code ${code}); the first run needs the package registry.\n${output.trim()}`);
}

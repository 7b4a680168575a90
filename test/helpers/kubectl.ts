/** kubectl for tests that need no cluster: the one on PATH, of the cluster for tests, or of an npm package. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { toolFromPackage } from './helm.ts';
import { describeUnless } from './skip.ts';

/** undefined: there is none. */
export function kubectlPath(): string | undefined {
  const cache = process.env.OUTRIDER_CACHE ?? join(homedir(), '.cache', 'outrider');
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(cache, 'cluster', 'bin')];
  const found = folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'kubectl'))
    .find(existsSync);
  return found ?? fromPackage();
}

function fromPackage(): string | undefined {
  try {
    return toolFromPackage('kubectl');
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message.split('\n')[0] : error}\n`);
    return undefined;
  }
}

/** A `describe` that is skipped with one loud line where there is no kubectl; with CI=true that is a failure. */
export function describeWithKubectl(title: string, suite: (kubectl: string) => void): void {
  const path = kubectlPath();
  const missing = path === undefined ? 'NO KUBECTL (put kubectl on the PATH)' : undefined;
  describeUnless(missing, title, () => suite(path ?? ''));
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const projectRoot = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');

const made: string[] = [];

/** A folder with these files, removed by `removeTrees`. */
export function makeTree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'outrider-tree-'));
  made.push(root);
  for (const [path, text] of Object.entries(files)) writeInTree(root, path, text);
  return root;
}

export function writeInTree(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

export function removeTrees(): void {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
}

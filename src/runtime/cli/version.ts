import { readFileSync } from 'node:fs';

/** The version in package.json; this file is as deep in `dist` as in `src`. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version }: { version: string } = JSON.parse(text);
  return version;
}

/** Configuration on disk, as text: places in messages are counted in what the test shows. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './cleanup.ts';

/** A folder with these files; gives its path. */
export function configFolder(files: Readonly<Record<string, string>>): string {
  const folder = join(temporaryFolder(), 'config');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

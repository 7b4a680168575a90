/** A broken build: one line of the source changed, and the tests that must not let it pass. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Sabotage {
  /** What it breaks, as a statement. */
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once; else the museum no longer shows what it says it does. */
  readonly find: string;
  readonly replace: string;
  readonly caughtBy: Test;
}

export interface Test {
  readonly file: string;
  /** Regular expression over the titles. */
  readonly title: string;
}

/** Why it can't be shown any more; '' when it can. */
export function mistakeIn({ name, file, find, replace, caughtBy }: Sabotage, root: string): string {
  if (!existsSync(join(root, file))) return `${name}: there is no ${file}`;
  if (!existsSync(join(root, caughtBy.file))) return `${name}: there is no ${caughtBy.file}`;
  const places = readFileSync(join(root, file), 'utf8').split(find).length - 1;
  if (places !== 1) return `${name}: ${places} places in ${file} have the text ${JSON.stringify(find)}`;
  return find === replace ? `${name}: changes nothing` : '';
}

/** The file's text with the sabotage in it. */
export function broken({ find, replace }: Sabotage, text: string): string {
  return text.split(find).join(replace);
}

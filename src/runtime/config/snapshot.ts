/** One look at the configuration's files. */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { processFileName, routesFileName } from './definition.ts';
import { diskFiles, hashTexts, readSources, type SourceText } from './sources.ts';

export interface Snapshot {
  readonly sources: readonly SourceText[];
  /** Why nothing could be read. */
  readonly error: ConfigError | null;
  readonly hash: string;
  /** Identity, size and times of the files: the same while nobody touches them. */
  readonly stamp: string;
  /** Where `..data` leads in a ConfigMap volume: a change of it is atomic for all files. */
  readonly swaps: string;
  /** Every file was renamed into its place after it was written: nobody is still writing it. */
  readonly renamed: boolean;
  /** A file is empty, or none is there: rarely meant. */
  readonly incomplete: boolean;
}

/** @param known a stamp whose content is known: it is not read again */
export function readSnapshot(path: string, known?: string): Snapshot {
  const swaps = swapTarget(path);
  const stats = filesOf(path).map(stampOf);
  const stamp = [swaps, ...stats.map(({ text }) => text)].join('|');
  const renamed = stats.every((stat) => stat.renamed);
  const base = { stamp, swaps, renamed };
  if (stamp === known) return { ...base, sources: [], error: null, hash: '', incomplete: false };
  try {
    const sources = readSources(path, diskFiles);
    const incomplete = sources.some(({ text }) => text.toString().trim() === '');
    return { ...base, sources, error: null, hash: hashTexts(sources.map(({ text }) => text)), incomplete };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ...base, sources: [], error, hash: `absent: ${error.message}`, incomplete: true };
  }
}

function filesOf(path: string): string[] {
  return isFolder(path) ? [join(path, processFileName), join(path, routesFileName)] : [path];
}

/** The folder whose entries change when the configuration does. */
export function folderOf(path: string): string {
  return isFolder(path) ? path : dirname(path);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** A rename changes the inode's ctime, and not its mtime; a write sets both to the same. */
function stampOf(file: string): { readonly text: string; readonly renamed: boolean } {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  if (stat === undefined) return { text: 'absent', renamed: true };
  const { dev, ino, size, mtimeNs, ctimeNs } = stat;
  return { text: `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`, renamed: ctimeNs > mtimeNs };
}

function swapTarget(path: string): string {
  const folder = folderOf(path);
  try {
    return readdirSync(folder).includes('..data') ? readlinkSync(join(folder, '..data')) : '';
  } catch {
    // Gone between two looks, or not a link: then there is no swap to see.
    return '';
  }
}

/** One look at the configuration's files. */
import { type BigIntStats, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { processFileName, routesFileName } from './definition.ts';
import { diskFiles, hashTexts, readSources, type SourceText } from './sources.ts';
import { errorCodeOf } from './system-error.ts';

export interface FileStamp {
  readonly file: string;
  readonly present: boolean;
  /** Identity, size and times: the same while nobody touches the file. */
  readonly stamp: string;
  /** It was renamed into its place after it was written: nobody is still writing it. */
  readonly renamed: boolean;
}

export interface Stamps {
  readonly files: readonly FileStamp[];
  /** Where `..data` leads in a ConfigMap volume: a change of it is atomic for all files. */
  readonly swap: string;
  /** All of it in one text. */
  readonly all: string;
}

export interface Snapshot {
  /** Taken before the texts were read: unchanged at a later look, they prove that the texts were whole. */
  readonly stamps: Stamps;
  readonly sources: readonly SourceText[];
  /** Why nothing could be read. */
  readonly error: ConfigError | null;
  readonly hash: string;
}

export function readStamps(path: string): Stamps {
  const names = isFolder(path) ? [join(path, processFileName), join(path, routesFileName)] : [path];
  const files = names.map(stampOf);
  const swap = readSwap(folderOf(path));
  return { files, swap, all: [swap, ...files.map(({ stamp }) => stamp)].join('|') };
}

export function readSnapshot(path: string): Snapshot {
  const stamps = readStamps(path);
  try {
    const sources = readSources(path, diskFiles);
    return { stamps, sources, error: null, hash: hashTexts(sources.map(({ text }) => text)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { stamps, sources: [], error, hash: `unreadable: ${error.message}` };
  }
}

/** A file is empty, or none can be read: rarely meant. */
export function isIncomplete({ sources, error }: Snapshot): boolean {
  return error !== null || sources.some(({ text }) => text.toString().trim() === '');
}

/** Files that were there at the first look and are not at the second. */
export function goneFiles(before: Stamps, after: Stamps): string[] {
  const present = new Set(before.files.filter((file) => file.present).map(({ file }) => file));
  return after.files.filter(({ file, present: still }) => !still && present.has(file)).map(({ file }) => file);
}

/** Whether everything that changed between two looks changed at once: nobody is in the middle of writing. */
export function isAtomicChange(before: Stamps, after: Stamps): boolean {
  if (after.swap !== before.swap) return true;
  const known = new Set(before.files.map(({ stamp }) => stamp));
  return after.files.every(({ stamp, renamed }) => renamed || known.has(stamp));
}

/** The folder whose entries change when the configuration does. */
export function folderOf(path: string): string {
  return isFolder(path) ? path : dirname(path);
}

function isFolder(path: string): boolean {
  const stat = statOf(path);
  return typeof stat !== 'string' && stat.isDirectory();
}

/** A rename changes an inode's ctime and not its mtime; a write sets both to the same. */
function stampOf(file: string): FileStamp {
  const stat = statOf(file);
  if (typeof stat === 'string') return { file, present: false, stamp: `${file} ${stat}`, renamed: false };
  const { dev, ino, size, mtimeNs, ctimeNs } = stat;
  const stamp = `${file} ${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  return { file, present: true, stamp, renamed: ctimeNs > mtimeNs };
}

/** The error's code where there is nothing to look at. */
function statOf(path: string): BigIntStats | string {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    return codeOf(error);
  }
}

function readSwap(folder: string): string {
  try {
    return readlinkSync(join(folder, '..data'));
  } catch (error) {
    return codeOf(error);
  }
}

/** @throws what is no error of the system */
function codeOf(error: unknown): string {
  const code = errorCodeOf(error);
  if (code === null) throw error;
  return code;
}

/** The spool's folder: made with the right modes, measured, and what can't be used set aside. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { spoolErrorFrom, spoolFault } from './spool-error.ts';

export interface SpoolPaths {
  readonly folder: string;
  readonly database: string;
  readonly bodies: string;
  readonly key: string;
  readonly count: string;
  readonly reserve: string;
}

/** Folder of a process without a pod's name. */
const LOCAL = 'local';
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Set-group-ID of a shared volume may stay. */
const OPEN_BITS = 0o077;
/** Of `stat.blocks` (stat(2)). */
const BLOCK_BYTES = 512;
const ASIDE = /\.corrupt-/;

/** @throws SpoolError `access` when `podName` can't be a folder's name. */
export function spoolPaths(path: string, podName: string): SpoolPaths {
  const name = podName === '' ? LOCAL : podName;
  // Names of pods are DNS subdomains (RFC 1123).
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(name)) {
    throw spoolFault('open', 'access', resolve(path), `"${name}" can't be the name of a folder`);
  }
  return pathsIn(join(resolve(path), name));
}

export function pathsIn(folder: string): SpoolPaths {
  const at = (name: string): string => join(folder, name);
  const [database, bodies, key] = [at('spool.db'), at('bodies'), at('key')];
  return { folder, database, bodies, key, count: at('count'), reserve: at('reserve') };
}

/** Makes what is missing, readable by this user alone, and durable. Throws SpoolError. */
export function prepareFolder({ folder, database, bodies }: SpoolPaths): void {
  try {
    makeFolders(folder);
    for (const path of [folder, bodies]) makePrivate(path);
    refuseLink(database);
    if (!existsSync(database)) writeNewFile(database, '');
    syncFolder(folder);
  } catch (error) {
    throw spoolErrorFrom(error, 'open', folder);
  }
}

/** One by one: Node's own recursive mkdir never comes back where the root itself has been removed (Node 26.10). */
function makeFolders(folder: string): void {
  const missing: string[] = [];
  for (let path = folder; !existsSync(path); path = dirname(path)) {
    if (path === dirname(path)) throw spoolFault('open', 'access', folder, 'the root of the file system is gone');
    missing.unshift(path);
  }
  for (const path of missing) {
    mkdirSync(path, PRIVATE_FOLDER);
    // Each new name must be durable in the folder that holds it.
    syncFolder(dirname(path));
  }
}

function makePrivate(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { mode: PRIVATE_FOLDER });
  const { mode } = refuseLink(path) ?? {};
  if (mode !== undefined && (mode & OPEN_BITS) !== 0) chmodSync(path, mode & 0o7700);
}

/** A link planted in a shared volume must not lead the spool elsewhere (CWE-59). */
function refuseLink(path: string): { readonly mode: number } | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) throw spoolFault('open', 'access', path, 'is a symbolic link, which a spool never makes');
  return stat === undefined ? null : { mode: stat.mode };
}

/**
 * Files and folders of a spool are just that: a link would lead elsewhere (CWE-59), and to open a pipe waits for ever.
 * Throws SpoolError `access`.
 */
export function refuseOdd({ database, bodies, key, count }: SpoolPaths): void {
  for (const path of [database, key, count, bodies]) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || (path === bodies ? stat.isDirectory() : stat.isFile())) continue;
    throw spoolFault('open', 'access', path, `is no ${path === bodies ? 'folder' : 'file'}, which a spool makes there`);
  }
}

/** Never follows a link and never overwrites. The caller sees to the folder. */
export function openNewFile(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, PRIVATE_FILE);
}

export function writeNewFile(path: string, text: string): void {
  const file = openNewFile(path);
  try {
    if (text !== '') writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes names that were made, changed or removed in it durable. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Bytes of every file below, as their lengths tell; what vanishes meanwhile counts as nothing. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += diskBytes(join(entry.parentPath, entry.name));
  }
  return bytes;
}

/** What it takes on the disk, where that is less than its length: a file with holes. */
function diskBytes(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Math.min(stat.size, stat.blocks * BLOCK_BYTES);
}

export function fileBytes(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Names of what release 0.1 set aside and still lies there. */
export function asideIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => ASIDE.test(name));
}

/** A second name for a file, which it may have already. False where the volume knows no such names. */
export function linkFile(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (existsSync(to) && lstatSync(from).ino === lstatSync(to).ino) return true;
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EPERM' || code === 'EXDEV' || code === 'ENOTSUP' || code === 'EMLINK') return false;
    throw spoolErrorFrom(error, 'copy', to);
  }
}

/** Whatever stands there; a link goes, not what it leads to. */
export function removeAny(path: string): void {
  rmSync(path, { force: true, recursive: true });
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

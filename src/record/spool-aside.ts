/**
 * Folders beside the spool's own: what was set aside after a fault, and what other pods left behind on a shared volume.
 * Both are sources: their records move over to the spool that runs, and then they go.
 */
import { existsSync, lstatSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isBodyName } from './spool-body-file.ts';
import { spoolErrorFrom } from './spool-error.ts';
import { folderBytes, pathsIn, removeAny, removeFile, type SpoolPaths, syncFolder } from './spool-folder.ts';

export interface Sibling {
  /** Name of the folder. */
  readonly name: string;
  readonly paths: SpoolPaths;
  /** Set aside by this very pod: moved first, and counted against its quota. */
  readonly isOwn: boolean;
}

const ASIDE = '.source-';
const UNREADABLE = '.quarantined-';
/** Belongs to the pod, not to the database. */
const LAST_GOOD = 'last-good.json';
/** What a kill in the middle of a write left, and what release 0.1 set aside. */
const OWN_TEMPORARY = /^(\.last-good\.json\.[0-9a-f]+|key\.new-[0-9a-f]+)$/;

/**
 * Takes the whole folder away by one rename, so that no crash can part a database from its WAL. Returns the new name,
 * or null when there is no folder any more. Throws SpoolError: then the old folder is still there and must not be used.
 */
export function setAsideFolder({ folder }: SpoolPaths): string | null {
  if (!existsSync(folder)) return null;
  const parent = dirname(folder);
  const name = `${basename(folder)}${ASIDE}${stampFor(parent)}`;
  try {
    renameSync(folder, join(parent, name));
    syncFolder(parent);
  } catch (error) {
    throw spoolErrorFrom(error, 'open', folder);
  }
  return name;
}

/** After a fresh folder was made: what the pod needs of the newest one that was set aside. Throws SpoolError. */
export function takeBackBelongings(paths: SpoolPaths): void {
  const newest = siblingsOf(paths).find(({ isOwn }) => isOwn);
  if (newest === undefined) return;
  const from = join(newest.paths.folder, LAST_GOOD);
  const to = join(paths.folder, LAST_GOOD);
  try {
    if (existsSync(from) && !existsSync(to)) renameSync(from, to);
  } catch (error) {
    throw spoolErrorFrom(error, 'open', from);
  }
}

/** Key file of the newest folder that was set aside; '' without: its bodies can then be taken over as they are. */
export function keyBeside(paths: SpoolPaths): string {
  const isKey = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return siblingsOf(paths).find((sibling) => sibling.isOwn && isKey(sibling.paths.key))?.paths.key ?? '';
}

/** In the order in which they should move over: ours, the newest first, for it knows how far older ones had come. */
export function siblingsOf({ folder }: SpoolPaths): Sibling[] {
  const own = basename(folder);
  const found = readdirSync(dirname(folder), { withFileTypes: true })
    // Never through a link: a planted one must not lead the spool elsewhere (CWE-59).
    .filter((entry) => entry.isDirectory() && entry.name !== own && !entry.name.includes(UNREADABLE))
    .map(({ name }) => siblingOf(join(dirname(folder), name), own))
    .filter(({ isOwn, paths }) => isOwn || existsSync(paths.database));
  found.sort((one, other) => (one.name < other.name ? 1 : -1));
  return [...found.filter(({ isOwn }) => isOwn), ...found.filter(({ isOwn }) => !isOwn)];
}

/** Bytes of everything that this pod has set aside, what could not be read included. */
export function asideBytes({ folder }: SpoolPaths): number {
  const parent = dirname(folder);
  return namesAside(folder).reduce((bytes, name) => bytes + folderBytes(join(parent, name)), 0);
}

/** Folders of this pod that hold what could not be read, the oldest first. */
export function unreadableFolders({ folder }: SpoolPaths): string[] {
  const parent = dirname(folder);
  return namesAside(folder)
    .filter((name) => name.includes(UNREADABLE))
    .map((name) => join(parent, name));
}

/**
 * Its records have moved: it goes, but for what is not a spool's. A crash in the middle must not leave what looks like a
 * loss: a count or bodies without a database. So those go first, while the database still tells that all has moved, and
 * the key, which opens it, goes last. Throws the system's error.
 */
export function removeFolder(paths: SpoolPaths): void {
  const { folder, database, bodies } = paths;
  const temporary = readdirSync(folder).filter((name) => OWN_TEMPORARY.test(name));
  for (const name of [...temporary, LAST_GOOD]) removeAny(join(folder, name));
  for (const path of [paths.count, paths.reserve]) removeAny(path);
  removeBodies(bodies);
  syncFolder(folder);
  // Before its WAL, without which it might be another one.
  for (const ending of ['', '-wal', '-shm', '-journal']) removeAny(`${database}${ending}`);
  removeAny(paths.key);
  if (readdirSync(folder).length === 0) rmdirSync(folder);
  syncFolder(dirname(folder));
}

/** Of the folder itself: a planted link goes, not what it leads to. What is no body stays. */
function removeBodies(bodies: string): void {
  const stat = lstatSync(bodies, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    removeFile(bodies);
    return;
  }
  for (const name of readdirSync(bodies)) if (isBodyName(name)) removeFile(join(bodies, name));
  if (readdirSync(bodies).length === 0) rmdirSync(bodies);
}

/** Some of it could not be read: it stays for a person, out of the way. Returns where. Throws the system's error. */
export function keepForALook({ folder, reserve }: SpoolPaths): string {
  removeAny(reserve);
  const parent = dirname(folder);
  const name = basename(folder).split(ASIDE)[0] ?? basename(folder);
  const to = join(parent, `${name}${UNREADABLE}${stampFor(parent)}`);
  renameSync(folder, to);
  syncFolder(parent);
  return to;
}

function siblingOf(folder: string, own: string): Sibling {
  const name = basename(folder);
  return { name, paths: pathsIn(folder), isOwn: name.startsWith(`${own}${ASIDE}`) };
}

function namesAside(folder: string): string[] {
  const own = basename(folder);
  return readdirSync(dirname(folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`${own}${ASIDE}`) || name.startsWith(`${own}${UNREADABLE}`))
    .sort();
}

/** Sorts by age, and never meets another of the same millisecond. */
function stampFor(parent: string): string {
  const stamp = new Date().toISOString().replace(/[-:.]/g, '').toLowerCase();
  const taken = readdirSync(parent).filter((name) => name.includes(stamp)).length;
  return taken === 0 ? stamp : `${stamp}-${taken}`;
}

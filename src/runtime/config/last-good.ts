/**
 * The last accepted configuration, kept beside the spool for the restart of the same pod onto a broken one. A new pod
 * never uses it: a rollout of a broken configuration must stop at its first pod.
 *
 * What templates refer to is not resolved: the file holds their texts, no secret.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../../settings.ts';
import type { Environment } from './environment.ts';
import { errorCodeOf } from './system-error.ts';

const fileName = 'last-good.json';
/** Counts up whenever settings.ts changes its shape: another version's file is not used. */
const format = 1;
const onlyOwner = 0o600;

interface LastGood {
  readonly format: number;
  readonly pod: string;
  readonly sha256: string;
  readonly settings: Settings;
}

/** What stays the same when a container restarts, and differs in a new pod. */
export function podIdentity(env: Environment): string {
  const uid = env.POD_UID?.trim() ?? '';
  return uid === '' ? `host ${hostname()}` : uid;
}

/**
 * Replaces the file as a whole, durable on return, readable by its owner only.
 *
 * @param folder of the spool; it must be there
 * @param podUid of this pod; absent or empty: its host name stands in
 * @throws the system's error
 */
export function saveLastGood(folder: string, settings: Settings, podUid?: string): void {
  const content: LastGood = { format, pod: podIdentity({ POD_UID: podUid }), sha256: digest(settings), settings };
  const temporary = join(folder, `.${fileName}.${randomBytes(6).toString('hex')}`);
  try {
    writeDurably(temporary, JSON.stringify(content));
    renameSync(temporary, join(folder, fileName));
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(folder);
}

/**
 * @returns the settings, their source "last good"; null where there are none, they are another pod's or another
 * version's, or the file is damaged
 * @throws the system's error, other than for a missing file
 */
export function loadLastGood(folder: string, podUid?: string): Settings | null {
  const pod = podIdentity({ POD_UID: podUid });
  const content = parse(readText(join(folder, fileName)));
  if (content === null || content.format !== format || content.pod !== pod) return null;
  return content.sha256 === digest(content.settings) ? { ...content.settings, source: 'last good' } : null;
}

function writeDurably(file: string, text: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(file, flags, onlyOwner);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The rename itself must survive too. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readText(file: string): string | null {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(errorCodeOf(error) ?? '')) return null;
    throw error;
  }
}

/** null for anything that this file can't have written. */
function parse(text: string | null): LastGood | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isLastGood(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The shape of the settings is what `format` and the digest vouch for. */
function isLastGood(value: unknown): value is LastGood {
  if (typeof value !== 'object' || value === null) return false;
  return 'format' in value && 'pod' in value && 'sha256' in value && 'settings' in value;
}

function digest(settings: Settings): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

/** The key file: read, or made on first use. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { KEY_BYTES, parseKeys, Sealer } from './seal.ts';
import { SpoolError, spoolErrorFrom } from './spool-error.ts';
import { syncFolder, writeNewFile } from './spool-folder.ts';

export interface SpoolKey {
  readonly sealer: Sealer;
  /** Puts the spool's own key file back where it is gone: what is sealed now must be readable after a restart. */
  readonly restore: () => void;
}

/**
 * `keyFile` '': the spool's own file at `ownPath`, made when `mayMake`, as a copy of `beside` where that is named; a
 * spool that already has records and no key gets no new one, for it could not open them. Throws SpoolError `key`.
 */
export function loadSealer(keyFile: string, ownPath: string, mayMake: boolean, beside = ''): SpoolKey {
  if (keyFile !== '') return { sealer: sealerFrom(readKeyFile(keyFile), keyFile), restore: () => undefined };
  if (!existsSync(ownPath)) {
    if (!mayMake) {
      throw new SpoolError(
        'open',
        'key',
        `spool: ${ownPath} is missing, and the records beside it are sealed with it; put it back, or move the folder away to start with an empty spool`,
      );
    }
    makeKeyFile(ownPath, keyTextFrom(beside));
  }
  const text = readKeyFile(ownPath);
  const restore = (): void => {
    if (!hasKeys(ownPath)) makeKeyFile(ownPath, text);
  };
  return { sealer: sealerFrom(text, ownPath), restore };
}

/** False: it is gone, or was emptied. One that a person has added a key to is left alone. */
function hasKeys(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    return parseKeys(readKeyFile(path), path).length > 0;
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
    return false;
  }
}

/** A copy, so that bodies sealed with it can be taken over as they are; a fresh one where it is damaged. */
function keyTextFrom(beside: string): string {
  if (beside !== '') {
    const text = readKeyFile(beside);
    try {
      if (parseKeys(text, beside).length > 0) return text;
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
    }
  }
  return `${randomBytes(KEY_BYTES).toString('base64')}\n`;
}

const sealerFrom = (text: string, path: string): Sealer => new Sealer(parseKeys(text, path), path);

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new SpoolError(
      'open',
      'key',
      `spool.keyFile: ${path} can't be read: ${cause}; put it back; for an empty spool, make one with: openssl rand -base64 32 > ${path}`,
      error,
    );
  }
}

/** Durable before anything is sealed with it. */
function makeKeyFile(path: string, text: string): void {
  const temporary = `${path}.new-${randomBytes(4).toString('hex')}`;
  try {
    writeNewFile(temporary, text);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw spoolErrorFrom(error, 'open', path);
  }
}

/** The key file: read, or made on first use. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { KEY_BYTES, parseKeys, Sealer } from './seal.ts';
import { SpoolError, spoolErrorFrom } from './spool-error.ts';
import { syncFolder, writeNewFile } from './spool-folder.ts';

/**
 * `keyFile` '': the spool's own file at `ownPath`, made when `mayMake`; a spool that already has records and no key
 * gets no new one, for it could not open them. Throws SpoolError `key`.
 */
export function loadSealer(keyFile: string, ownPath: string, mayMake: boolean): Sealer {
  if (keyFile !== '') return new Sealer(parseKeys(readKeyFile(keyFile), keyFile), keyFile);
  if (!existsSync(ownPath)) {
    if (!mayMake) {
      throw new SpoolError(
        'open',
        'key',
        `spool: ${ownPath} is missing, and the records beside it are sealed with it; put it back, or move the folder away to start with an empty spool`,
      );
    }
    makeKeyFile(ownPath);
  }
  return new Sealer(parseKeys(readKeyFile(ownPath), ownPath), ownPath);
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new SpoolError(
      'open',
      'key',
      `spool.keyFile: ${path} can't be read: ${cause}; make one with: openssl rand -base64 32 > ${path}`,
      error,
    );
  }
}

/** Durable before anything is sealed with it. */
function makeKeyFile(path: string): void {
  const temporary = `${path}.new-${randomBytes(4).toString('hex')}`;
  try {
    writeNewFile(temporary, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw spoolErrorFrom(error, 'open', path);
  }
}

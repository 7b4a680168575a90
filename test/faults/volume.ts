/** A small volume of the suite's own, which can be filled to the last byte. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';

export interface Volume {
  readonly path: string;
  /** No byte is left. Returns what gives them back. */
  fill(): () => void;
}

/** null: this machine does not let us mount one. */
export function mountVolume(megabytes: number): Volume | null {
  const path = join(temporaryFolder(), 'volume');
  mkdirSync(path);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  if (status !== 0) return null;
  cleanUp(() => void spawnSync('umount', ['-l', path]));
  return { path, fill: () => fill(join(path, 'ballast')) };
}

function fill(path: string): () => void {
  const file = openSync(path, 'w');
  // Coarse, then byte by byte, so that not one page is left.
  for (const size of [1 << 20, 4096, 1]) while (append(file, size));
  closeSync(file);
  return () => rmSync(path, { force: true });
}

/** False: the disk is full. */
function append(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size)) === size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

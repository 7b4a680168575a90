/**
 * Space that is set aside for the day the volume is full: deleting rows and marking them mirrored needs some, and they
 * are what makes room again.
 */
import { closeSync, existsSync, fsyncSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { faultOf } from './spool-error.ts';
import { fileBytes, openNewFile, removeAny, removeFile } from './spool-folder.ts';

const CHUNK = Buffer.alloc(64 * 1024);

export class SpoolReserve {
  readonly #path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Makes it unless it is there, and only where twice as much is free: it must not be what fills the volume. */
  make(): void {
    if (fileBytes(this.#path) === this.#bytes) return;
    removeAny(this.#path);
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    if (bavail * bsize < 2 * this.#bytes) return;
    try {
      this.#write();
    } catch (error) {
      removeFile(this.#path);
      // Somebody else was faster to fill the volume; it is made when there is room again.
      if (faultOf(error) !== 'full') throw error;
    }
  }

  /** Gives it back to the volume. False: it is gone already. */
  release(): boolean {
    return releaseReserve(this.#path);
  }

  /** Really written: a hole would reserve nothing. */
  #write(): void {
    const file = openNewFile(this.#path);
    try {
      for (let at = 0; at < this.#bytes; ) at += writeSync(file, CHUNK, 0, Math.min(CHUNK.length, this.#bytes - at));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Gives it back to the volume. False: there is none. */
export function releaseReserve(path: string): boolean {
  if (!existsSync(path)) return false;
  removeFile(path);
  return true;
}

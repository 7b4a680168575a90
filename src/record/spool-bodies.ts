/** The folder of body files: those of live requests, and those that a record names. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Sealer } from './seal.ts';
import { BodyWriter, bodyKeyOf, isBodyName, newBodyName, readBodyFile } from './spool-body-file.ts';
import { SpoolError, spoolErrorFrom, spoolFault } from './spool-error.ts';
import { fileBytes, linkFile, removeFile, syncFolder } from './spool-folder.ts';

/** A whole body on the disk. */
export interface StoredBody {
  readonly name: string;
  readonly bytes: number;
  readonly fileBytes: number;
}

/** The path thread numbers its files from 1. */
const OWN = 0;

export class SpoolBodies {
  /** Bytes of the files that records name. */
  keptBytes = 0;
  readonly #folder: string;
  readonly #sealer: Sealer;
  readonly #live = new Map<number, BodyWriter>();

  constructor(folder: string, sealer: Sealer) {
    this.#folder = folder;
    this.#sealer = sealer;
  }

  /** Bytes of the files of live requests. */
  get liveBytes(): number {
    let bytes = 0;
    for (const { fileBytes } of this.#live.values()) bytes += fileBytes;
    return bytes;
  }

  has(file: number): boolean {
    return this.#live.has(file);
  }

  /** Throws SpoolError. */
  open(file: number): void {
    if (this.#live.has(file)) throw spoolFault('copy', 'closed', this.#folder, `body ${file} is open already`);
    const name = newBodyName();
    try {
      // Someone may have emptied the volume while we run.
      if (!existsSync(this.#folder)) mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#live.set(file, new BodyWriter(join(this.#folder, name), name, this.#sealer));
    } catch (error) {
      removeFile(join(this.#folder, name));
      throw spoolErrorFrom(error, 'copy', join(this.#folder, name));
    }
  }

  /** A file that could not be written on is removed. Throws SpoolError. */
  write(file: number, chunk: Uint8Array): void {
    const writer = this.#live.get(file);
    if (writer === undefined) throw spoolFault('copy', 'closed', this.#folder, `body ${file} is not open`);
    try {
      writer.write(chunk);
    } catch (error) {
      this.drop(file);
      throw spoolErrorFrom(error, 'copy', writer.path);
    }
  }

  /** Gone, if it is there. */
  drop(file: number): void {
    const writer = this.#live.get(file);
    if (writer === undefined) return;
    this.#live.delete(file);
    writer.close();
    removeFile(writer.path);
  }

  /** A whole body at once; `sync` follows as after `finish`. Throws SpoolError. */
  store(bytes: Uint8Array): StoredBody | null {
    this.open(OWN);
    this.write(OWN, bytes);
    return this.finish(OWN);
  }

  /** Complete and fsynced, but for its name: see `sync`. Then it counts as kept. Throws SpoolError, the file is gone. */
  finish(file: number): StoredBody | null {
    const writer = this.#live.get(file);
    if (writer === undefined) return null;
    try {
      writer.finish();
    } catch (error) {
      this.drop(file);
      throw spoolErrorFrom(error, 'copy', writer.path);
    }
    this.#live.delete(file);
    this.keptBytes += writer.fileBytes;
    return { name: writer.name, bytes: writer.bytes, fileBytes: writer.fileBytes };
  }

  /** Makes the names of finished files durable: before a row names them. Throws SpoolError. */
  sync(): void {
    try {
      syncFolder(this.#folder);
    } catch (error) {
      throw spoolErrorFrom(error, 'commit', this.#folder);
    }
  }

  /**
   * A body of another spool's folder becomes one of ours: by a second name where its key is one of ours, else sealed
   * anew. `sync` follows as after `finish`. null: it can't be read. Throws SpoolError when our own disk fails.
   */
  takeOver(folder: string, name: string, bytes: number, sealer: Sealer | null): StoredBody | null {
    const from = join(folder, name);
    if (!isBodyName(name) || sealer === null || !existsSync(from)) return null;
    const to = join(this.#folder, name);
    if (this.#sealer.has(bodyKeyOf(from)) && linkFile(from, to)) {
      const size = fileBytes(to);
      this.keptBytes += size;
      return { name, bytes, fileBytes: size };
    }
    try {
      this.open(OWN);
      for (const chunk of readBodyFile(from, name, sealer)) this.write(OWN, chunk);
    } catch (error) {
      this.drop(OWN);
      if (error instanceof SpoolError && error.operation === 'read') return null;
      throw error;
    }
    return this.finish(OWN);
  }

  chunks(name: string): Iterable<Uint8Array> {
    if (!isBodyName(name))
      throw spoolFault('read', 'corrupt', this.#folder, 'a row names something that is no body file');
    return readBodyFile(join(this.#folder, name), name, this.#sealer);
  }

  /** After the transaction that removed the rows which name them. */
  remove(names: readonly string[]): void {
    for (const name of names.filter(isBodyName)) {
      const path = join(this.#folder, name);
      this.keptBytes -= fileBytes(path);
      removeFile(path);
    }
  }

  /** At start: removes files that no row names (their commit never came) and counts the rest. Returns how many went. */
  removeOrphans(isNamed: (name: string) => boolean): number {
    const entries = readdirSync(this.#folder, { withFileTypes: true });
    // What only has such a name is not ours.
    const files = entries.filter((entry) => entry.isFile() && isBodyName(entry.name)).map(({ name }) => name);
    const orphans = files.filter((name) => !isNamed(name));
    for (const name of orphans) removeFile(join(this.#folder, name));
    if (orphans.length > 0) syncFolder(this.#folder);
    this.keptBytes = files.reduce((bytes, name) => bytes + fileBytes(join(this.#folder, name)), 0);
    return orphans.length;
  }

  /** Closes and removes what no record will name. */
  close(): void {
    let failure: unknown = null;
    for (const file of [...this.#live.keys()]) {
      try {
        this.drop(file);
      } catch (error) {
        failure = error;
      }
    }
    // What could not be removed is an orphan at the next start.
    if (failure !== null) throw failure;
  }
}

/** The files of live bodies, as the keeper writes them for the path thread, which numbers them. */
import { chunkPassed } from '../accept/chunk-garbage.ts';
import type { Capture } from '../exchange.ts';
import type { Spool } from '../record/spool.ts';
import { messageOf } from './error-message.ts';

export interface KeeperBodiesOptions {
  /** Throws when it can't be had, with the reason. */
  readonly spool: () => Spool;
  readonly written: (bytes: number) => void;
  /** The file is gone; `operation` is what failed. */
  readonly failed: (file: number, why: string, operation: 'copy' | 'delete') => void;
}

const NOTHING = new Uint8Array(0);

export class KeeperBodies {
  private readonly options: KeeperBodiesOptions;
  private readonly open = new Set<number>();
  /** Files are numbered in the order of their first pieces. */
  private newest = 0;

  constructor(options: KeeperBodiesOptions) {
    this.options = options;
  }

  write(file: number, chunk: Uint8Array): void {
    const isOpen = this.open.has(file);
    // What was on its way when the file was given up: begun anew it would be the end of a body, and nobody's.
    const isLate = !isOpen && file <= this.newest;
    this.newest = Math.max(this.newest, file);
    try {
      if (!isLate) this.append(file, chunk, isOpen);
    } catch (error) {
      this.drop(file);
      this.options.failed(file, messageOf(error), 'copy');
    }
    this.options.written(chunk.length);
    // Sealing makes three more of each.
    chunkPassed(chunk.length * 4);
  }

  private append(file: number, chunk: Uint8Array, isOpen: boolean): void {
    const spool = this.options.spool();
    if (!isOpen) {
      spool.openBody(file);
      this.open.add(file);
    }
    spool.writeBody(file, chunk);
  }

  drop(file: number): void {
    if (!this.open.delete(file)) return;
    try {
      this.options.spool().dropBody(file);
    } catch (error) {
      this.options.failed(file, messageOf(error), 'delete');
    }
  }

  /** A file that a row names now is the spool's; one whose body was withheld belongs to nobody. */
  release(file: number, committed: boolean): void {
    if (committed) this.open.delete(file);
    else this.drop(file);
  }

  /** Of a spool that was closed. */
  forgetAll(): void {
    this.open.clear();
  }

  /** A body whose file failed is gone; the rest of the record is still worth keeping. */
  withKnownBody(capture: Capture): Capture {
    const { body } = capture;
    if (body.kind === 'memory' || this.open.has(body.file)) return capture;
    return { ...capture, body: { kind: 'memory', bytes: NOTHING, truncated: true, totalBytes: body.totalBytes } };
  }
}

/**
 * One sealed body file: a head of 16 bytes (magic, version, name of the key), then frames of at most 64 KiB. A frame is
 * its sealed length with the flag of the last one, and the sealed bytes. The number of a frame and the flag are
 * authenticated, and a file ends with a flagged frame: frames that are cut off, swapped or added are noticed.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { type Sealer, type Subkey, TAG_BYTES } from './seal.ts';
import { spoolErrorFrom, spoolFault } from './spool-error.ts';
import { openNewFile } from './spool-folder.ts';

export const FRAME_BYTES = 64 * 1024;
/** Less than this waits for more: a caller that sends byte by byte must not fill the disk with frames. */
const PENDING_BYTES = 16 * 1024;
const MAGIC = Buffer.from('OUTB\x01\0\0\0', 'latin1');
const HEAD_BYTES = 16;
const LENGTH_BYTES = 4;
const LAST = 0x8000_0000;
const NAME = /^[0-9a-f]{32}$/;
const CONTEXT = 'outrider body';

export const isBodyName = (name: string): boolean => NAME.test(name);
/** The name is the salt of the subkey: a file under another name can't be opened. */
export const newBodyName = (): string => randomBytes(16).toString('hex');
/** What `bytes` take at most in a file, beside what is already there. */
export const sealedBytes = (bytes: number): number =>
  bytes + (Math.ceil(bytes / PENDING_BYTES) + 1) * (LENGTH_BYTES + TAG_BYTES);

/** A file that is being written. Errors are those of node:fs. */
export class BodyWriter {
  readonly path: string;
  readonly name: string;
  /** Of the body, as given so far. */
  bytes = 0;
  /** Of the file, as written so far. */
  fileBytes = 0;
  readonly #subkey: Subkey;
  #handle: number | null;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #frames = 0;

  constructor(path: string, name: string, sealer: Sealer) {
    this.path = path;
    this.name = name;
    this.#subkey = sealer.subkey(Buffer.from(name, 'hex'));
    this.#handle = openNewFile(path);
    this.#append(Buffer.concat([MAGIC, Buffer.from(sealer.keyId, 'hex')]));
  }

  write(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.#pendingBytes + chunk.length < PENDING_BYTES) {
      // A copy: the chunk may be a small part of a large buffer.
      this.#pending.push(Buffer.from(chunk));
      this.#pendingBytes += chunk.length;
      return;
    }
    const text = this.#pendingBytes === 0 ? chunk : Buffer.concat([...this.#pending, chunk]);
    this.#pending = [];
    this.#pendingBytes = 0;
    for (let at = 0; at < text.length; at += FRAME_BYTES) this.#frame(text.subarray(at, at + FRAME_BYTES), false);
  }

  /** Complete and on the disk; its name is durable after the folder's own fsync. */
  finish(): void {
    this.#frame(Buffer.concat(this.#pending), true);
    if (this.#handle !== null) fsyncSync(this.#handle);
    this.close();
  }

  close(): void {
    if (this.#handle === null) return;
    const handle = this.#handle;
    this.#handle = null;
    this.#pending = [];
    closeSync(handle);
  }

  #frame(text: Uint8Array, last: boolean): void {
    const sealed = this.#subkey.seal(this.#frames, last ? 1 : 0, CONTEXT, text);
    this.#frames += 1;
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE((last ? LAST : 0) + sealed.length);
    this.#append(Buffer.concat([length, sealed]));
  }

  #append(bytes: Uint8Array): void {
    if (this.#handle === null) throw new Error('the body file is closed');
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at);
    this.fileBytes += bytes.length;
  }
}

/** The body in pieces of at most 64 KiB. Throws SpoolError: `corrupt` for anything but what was written, `key`, `io`. */
export function* readBodyFile(path: string, name: string, sealer: Sealer): Generator<Uint8Array> {
  const handle = openToRead(path);
  try {
    const subkey = sealer.subkey(Buffer.from(name, 'hex'), readHead(handle, path));
    let last = false;
    for (let frame = 0; !last; frame += 1) {
      const length = readExactly(handle, LENGTH_BYTES, path).readUInt32BE();
      last = length >= LAST;
      const size = last ? length - LAST : length;
      if (size > FRAME_BYTES + TAG_BYTES) throw damaged(path, `frame ${frame} has an impossible length`);
      const text = subkey.open(frame, last ? 1 : 0, CONTEXT, readExactly(handle, size, path));
      if (text.length > 0) yield text;
    }
    if (readSync(handle, Buffer.alloc(1)) !== 0) throw damaged(path, 'something follows its end');
  } catch (error) {
    throw spoolErrorFrom(error, 'read', path);
  } finally {
    closeSync(handle);
  }
}

/** Name of the key that a body file is sealed with; '' when it can't be read. */
export function bodyKeyOf(path: string): string {
  const handle = openToRead(path);
  try {
    return readHead(handle, path);
  } catch (error) {
    const { fault } = spoolErrorFrom(error, 'read', path);
    if (fault === 'corrupt' || fault === 'io') return '';
    throw error;
  } finally {
    closeSync(handle);
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw spoolErrorFrom(error, 'read', path);
  }
}

/** Name of the key it is sealed with. */
function readHead(handle: number, path: string): string {
  const head = readExactly(handle, HEAD_BYTES, path);
  if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(path, 'is no body file of this format');
  return head.subarray(MAGIC.length).toString('hex');
}

function readExactly(handle: number, bytes: number, path: string): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; ) {
    const read = readSync(handle, buffer, at, bytes - at, null);
    if (read === 0) throw damaged(path, 'ends too early');
    at += read;
  }
  return buffer;
}

const damaged = (path: string, what: string): Error => spoolFault('read', 'corrupt', path, what);

/** Bytes in the order in which they came. Each piece of a stream is an object of some 200 bytes, however small it is. */

/** A piece below it is put together with its neighbours: who sends byte by byte must not fill the memory with objects. */
const SMALL_BYTES = 1024;
const SLAB_BYTES = 4096;

/** Of most requests nothing comes, and of the others one piece. Nobody adds to it. */
const NONE: Uint8Array[] = [];

export class Chunks {
  bytes = 0;
  private pieces: Uint8Array[] = NONE;
  private slab: Buffer | null = null;
  private filled = 0;

  add(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    // The first is often all there is: it is kept as it came.
    if (this.pieces.length > 0 && chunk.length < SMALL_BYTES) return this.gather(chunk);
    this.slab = null;
    if (this.pieces === NONE) this.pieces = [chunk];
    else this.pieces.push(chunk);
  }

  list(): readonly Uint8Array[] {
    return this.pieces;
  }

  /** All of it in one piece. */
  whole(): Uint8Array {
    const [only] = this.pieces;
    return this.pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.pieces, this.bytes);
  }

  clear(): void {
    this.bytes = 0;
    this.pieces = NONE;
    this.slab = null;
  }

  private gather(chunk: Uint8Array): void {
    if (this.slab === null || this.filled + chunk.length > SLAB_BYTES) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.filled = 0;
      this.pieces.push(NOTHING);
    }
    this.slab.set(chunk, this.filled);
    this.filled += chunk.length;
    this.pieces[this.pieces.length - 1] = this.slab.subarray(0, this.filled);
  }
}

const NOTHING = new Uint8Array(0);

/** A target's answer that is kept back until the failure it stands for is on disk. */

/** A held answer waits this long for the rest of its body. */
export const HOLD_MS = 1000;

export class HeldAnswer {
  readonly status: number;
  readonly message: string;
  readonly rawHeaders: readonly string[];
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  /** The target has sent all of it. */
  complete = false;
  rawTrailers: readonly string[] = [];

  constructor(status: number, message: string, rawHeaders: readonly string[]) {
    this.status = status;
    this.message = message;
    this.rawHeaders = rawHeaders;
  }

  add(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** The first `limit` bytes of the body. */
  excerpt(limit: number): Uint8Array {
    return Buffer.concat(this.chunks).subarray(0, limit);
  }
}

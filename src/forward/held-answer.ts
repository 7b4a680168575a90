/** A target's answer that is kept back until the failure it stands for is on disk. */

import type { Buffers } from '../accept/buffers.ts';

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
  private buffers: Buffers | null;

  constructor(status: number, message: string, rawHeaders: readonly string[], buffers: Buffers | null = null) {
    this.status = status;
    this.message = message;
    this.rawHeaders = rawHeaders;
    this.buffers = buffers;
  }

  add(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.buffers?.change(0, chunk.length);
  }

  /** `limit` bytes are there, or memory is short: then less of it has to do for the record. */
  isEnough(limit: number): boolean {
    return this.bytes >= limit || this.buffers?.full === true;
  }

  /** It is on its way, or not wanted: safe to call twice. */
  release(): void {
    this.buffers?.change(this.bytes, 0);
    this.buffers = null;
  }

  /** The first `limit` bytes of the body. */
  excerpt(limit: number): Uint8Array {
    return Buffer.concat(this.chunks).subarray(0, limit);
  }
}

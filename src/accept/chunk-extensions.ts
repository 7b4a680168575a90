/** What chunks may bring beside their data: the parser limits the extensions of one chunk, not of all of them. */
import type { Refusal } from './guard.ts';

/** What was read ahead is among them, and belongs to the next request. */
const MOST_AROUND = 256 * 1024;
/** A chunk of one byte has five bytes around it, and up to thirty more in TLS. */
const MOST_AROUND_BYTE = 64;

export const TOO_MUCH_AROUND: Refusal = {
  status: 413,
  kind: 'chunkExtensions',
  detail: 'Too many bytes of chunk extensions.',
};

/** `read`: bytes of the connection since the head; `data`: those of them that are body. */
export function isTooMuch(read: number, data: number): boolean {
  return read - data > MOST_AROUND + data * MOST_AROUND_BYTE;
}

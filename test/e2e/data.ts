/** Bodies that a test can make again instead of keeping them. */
import { createCipheriv, createHash } from 'node:crypto';

const BLOCK = Buffer.alloc(64 * 1024);

/** The same bytes for the same seed, without a pattern: what was lost, doubled or moved changes their digest. */
export function* generateChunks(seed: number, bytes: number): Generator<Buffer> {
  const key = createHash('sha256').update(`outrider test data ${seed}`).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    yield cipher.update(left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left));
  }
}

export function generateBytes(seed: number, bytes: number): Buffer {
  return Buffer.concat([...generateChunks(seed, bytes)]);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Of what `generateChunks` gives. */
export function sha256OfGenerated(seed: number, bytes: number): string {
  const hash = createHash('sha256');
  for (const chunk of generateChunks(seed, bytes)) hash.update(chunk);
  return hash.digest('hex');
}

/** From `OUTRIDER_TEST_SEED`, else by chance; printed, so that a failure can be run again. */
export function printedSeed(title: string): number {
  const seed = Number(process.env.OUTRIDER_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stderr.write(`${title}: OUTRIDER_TEST_SEED=${seed}\n`);
  return seed;
}

/**
 * The garbage of streams. To V8 a chunk of 64 KiB is a hundred bytes of heap: gigabytes pass before it would collect
 * on its own, and their memory stays taken until then. After each few MiB of chunks the young space is collected,
 * which takes well under a millisecond, for nothing in it lives.
 */

const COLLECT_BYTES = 4 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;

let passed = 0;

/** Counts a chunk that has been passed on. Without V8's `--expose-gc` it does nothing. */
export function chunkPassed(bytes: number): void {
  passed += bytes;
  if (passed < COLLECT_BYTES) return;
  passed = 0;
  const collect: Collect | undefined = globalThis.gc;
  collect?.({ type: 'minor' });
}

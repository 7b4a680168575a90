/**
 * The garbage of streams. To V8 a chunk of 64 KiB is a hundred bytes of heap: gigabytes pass before it would collect
 * on its own, and their memory stays taken until then. After each few MiB of chunks the young space is collected,
 * which takes well under a millisecond, for nothing in it lives. What lived through two of these is collected no more
 * by a third: where memory is short, the whole heap follows once enough of that may be garbage.
 */
import { getHeapStatistics } from 'node:v8';

const MIB = 1024 * 1024;
/** At least; less often is enough where there is room. */
const EVERY_BYTES = { least: MIB / 4, most: 4 * MIB };
/** From this budget on (`limits.bufferBytes`) V8 is left to find the rest by itself. */
export const ROOMY_BYTES = 64 * MIB;

type Collect = (options: { readonly type: 'minor' | 'major'; readonly flavor?: 'last-resort' }) => void;

/** Less is not worth the pause. */
const REST_BYTES = 3 * MIB;
/** Code that was compiled for a start or a burst goes after so many. */
const REST_COLLECTIONS = 3;

let everyBytes = EVERY_BYTES.most;
let grownBytes = Number.POSITIVE_INFINITY;
let passed = 0;
let floor = 0;
let calls = 0;
let callsBefore = -1;
let restFloor = 0;

/** `bufferBytes`: what all streams may hold together (`limits.bufferBytes`). For the thread that calls it. */
export function boundGarbage(bufferBytes: number): void {
  const isRoomy = bufferBytes >= ROOMY_BYTES;
  everyBytes = isRoomy ? EVERY_BYTES.most : Math.min(EVERY_BYTES.most, Math.max(EVERY_BYTES.least, bufferBytes / 64));
  grownBytes = isRoomy ? Number.POSITIVE_INFINITY : bufferBytes / 8;
}

/** Counts a chunk that has been passed on. Without V8's `--expose-gc` it does nothing. */
export function chunkPassed(bytes: number): void {
  passed += bytes;
  calls += 1;
  if (passed < everyBytes) return;
  passed = 0;
  const collect: Collect | undefined = globalThis.gc;
  if (collect === undefined) return;
  collect({ type: 'minor' });
  if (grownBytes === Number.POSITIVE_INFINITY) return;
  let outside = getHeapStatistics().external_memory;
  if (outside > floor + grownBytes) {
    collect({ type: 'major' });
    outside = getHeapStatistics().external_memory;
    floor = outside;
  }
  floor = Math.min(floor, outside);
}

/**
 * Called once a second. Where memory is short, and nothing has passed for a second, what a start or a burst has left is
 * collected, so that there is room for a command beside the process.
 */
export function collectAtRest(): void {
  const isQuiet = calls === callsBefore;
  callsBefore = calls;
  const collect: Collect | undefined = globalThis.gc;
  if (grownBytes === Number.POSITIVE_INFINITY || collect === undefined || !isQuiet) return;
  if (size() < restFloor + REST_BYTES) return;
  for (let i = 0; i < REST_COLLECTIONS; i += 1) collect({ type: 'major', flavor: 'last-resort' });
  restFloor = size();
}

function size(): number {
  const { total_heap_size: heap, external_memory: outside } = getHeapStatistics();
  return heap + outside;
}

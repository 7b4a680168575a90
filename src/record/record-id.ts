/**
 * Ids of records: UUID version 7 (RFC 9562), each above the one before. The random bytes are fetched for many at once:
 * one by one they cost more than all the rest of an id.
 */
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const BYTES = 16;
const POOL = Buffer.alloc(256 * BYTES);
/** RFC 9562 section 6.2, method 1: a counter of 31 bits, begun anew at random each millisecond. */
const HIGHEST = 0x7fff_ffff;

let used = POOL.length;
let msecs = 0;
let seq = 0;
const random = Buffer.alloc(BYTES);

export function newRecordId(): string {
  if (used === POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  POOL.copy(random, 0, used, used + BYTES);
  used += BYTES;
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    seq = random.readUInt32BE(0) >>> 1;
  } else if (seq < HIGHEST) {
    seq += 1;
  } else {
    msecs += 1;
    seq = 0;
  }
  // uuid takes its random part from the last six bytes.
  return v7({ random, msecs, seq });
}

/** What is given up on purpose, and what must not be. */
import type { Sabotage } from './sabotage.ts';

const LIMITS = 'test/record/spool-limits.test.ts';
const SOURCE = 'test/record/spool-source.test.ts';
const REMOVAL = 'src/record/spool-removal.ts';
const PLANTED = 'test/record/spool-planted.test.ts';
const QUOTA = 'src/record/spool-quota.ts';

export const LIMIT_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'dropOldest drops the newest',
    file: REMOVAL,
    find: "AND state != 'delivering' ORDER BY seq LIMIT ?",
    replace: "AND state != 'delivering' ORDER BY seq DESC LIMIT ?",
    caughtBy: { file: LIMITS, title: 'takes every capture, gives up the oldest' },
  },
  {
    name: 'what is dropped is not counted as lost',
    file: REMOVAL,
    find: 'if (loss !== null) this.#ledger.addLost(loss, lost);',
    replace: 'if (loss !== null) void lost;',
    caughtBy: { file: LIMITS, title: 'takes every capture, gives up the oldest' },
  },
  {
    name: 'a full spool drops its oldest records though it is to refuse',
    file: QUOTA,
    find: 'if (!this.#parts.dropOldest || this.#roomWithoutRecords() < bytes) return false;',
    replace: '',
    caughtBy: { file: 'test/record/spool-quota.test.ts', title: 'a full spool refuses with the reason' },
  },
  {
    name: 'without spool.maxAge everything is too old',
    file: 'src/record/spool.ts',
    find: 'maxAge > 0 && quota.loseOlderThan',
    replace: 'quota.loseOlderThan',
    caughtBy: { file: LIMITS, title: 'of 0 never gives anything up' },
  },
  {
    name: 'failures beyond capture.rate are not counted',
    file: 'src/record/capture-rate.ts',
    find: '    this.#store.countRateLoss();',
    replace: '',
    caughtBy: { file: 'test/record/capture-rate.test.ts', title: 'keeps so many a second' },
  },
  {
    name: 'a flipped bit in a plain column releases a record',
    file: REMOVAL,
    find: " AND mirror = 'mirrored' AND state IN ${SETTLED}",
    replace: '',
    caughtBy: { file: LIMITS, title: 'released_at' },
  },
  {
    name: 'a folder of another pod is adopted at once',
    file: 'src/record/spool-move.ts',
    find: 'return now - since >= this.#options.adoptAfterMs;',
    replace: 'return now >= since;',
    caughtBy: { file: SOURCE, title: 'is left alone while its owner lives, and when its owner comes back in time' },
  },
  {
    name: 'an old database that moves in may fill the volume for good',
    file: QUOTA,
    find: 'return this.#isMoving ? Math.min(byLimit, this.#volumeRoom()) : byLimit;',
    replace: 'return this.#isMoving ? Math.min(byLimit, this.#volumeRoom() * 1e6) : byLimit;',
    caughtBy: { file: 'test/record/spool-tight-volume.test.ts', title: 'do not fill it for good' },
  },
  {
    name: 'records are given up where something else has taken the room',
    file: QUOTA,
    find: 'if (!this.#parts.dropOldest || this.#roomWithoutRecords() < bytes) return false;',
    replace: 'if (!this.#parts.dropOldest) return false;',
    caughtBy: { file: PLANTED, title: 'where something else has taken all the room' },
  },
  {
    name: 'an old database that moves in pushes out what is newer',
    file: QUOTA,
    find: 'if (!mayDrop || !this.#dropOldest(missing)) break;',
    replace: 'if (!this.#dropOldest(missing)) break;',
    caughtBy: { file: PLANTED, title: 'give up what is newer for an old database' },
  },
  {
    name: 'a planted link empties the folder it leads to',
    file: 'src/record/spool-source.ts',
    find: '    refuseOdd(paths);',
    replace: '',
    caughtBy: { file: PLANTED, title: 'a link for the bodies of a planted folder' },
  },
  {
    name: 'the ledger of a folder that can not be removed counts again and again',
    file: 'src/record/spool-move.ts',
    find: '    if (!this.#clear(source, sibling, unreadable)) {',
    replace: '    if (!this.#clear(source, sibling, unreadable) && unreadable > 1e9) {',
    caughtBy: { file: PLANTED, title: 'a folder that can not be removed counts once' },
  },
  {
    name: 'records of a time without a mirror never reach it',
    file: 'src/record/spool.ts',
    find: '    if (!this.#options.mirror || this.#enlisted >= last) return false;',
    replace: '    if (this.#enlisted >= 0 || last < 0) return false;',
    caughtBy: { file: PLANTED, title: 'records of a time without a mirror' },
  },
  {
    name: 'captures that wait for the disk are not bounded',
    file: 'src/runtime/keeper-client.ts',
    find: 'this.waitingBytes > 0 && this.waitingBytes + bytes > this.captureBytes',
    replace: 'this.waitingBytes < 0 && this.waitingBytes + bytes > this.captureBytes',
    caughtBy: { file: 'test/runtime/keeper-client.test.ts', title: 'what waits for the disk is bounded in bytes' },
  },
];

/** Records that go before they may. */
import type { Sabotage } from './sabotage.ts';

const SPOOL = 'test/record/spool.test.ts';
const QUOTA = 'test/record/spool-quota.test.ts';
const ROWS = 'src/record/spool-rows.ts';
const REMOVAL = 'src/record/spool-removal.ts';

export const RELEASE_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'an acknowledgement without the body releases the record',
    file: ROWS,
    find: `"UPDATE records SET mirror = 'mirrored' WHERE seq = :seq AND mirror = 'waiting'"`,
    replace: `"UPDATE records SET mirror = 'mirrored', released_at = 0 WHERE seq = :seq AND mirror = 'waiting'"`,
    caughtBy: { file: SPOOL, title: 'are neither those that were mirrored without their body nor parked ones' },
  },
  {
    name: 'a parked record is released',
    file: ROWS,
    find: "SET mirror = 'parked', mirror_reason = :why",
    replace: "SET mirror = 'mirrored', released_at = 0, mirror_reason = :why",
    caughtBy: { file: SPOOL, title: 'are neither those that were mirrored without their body nor parked ones' },
  },
  {
    name: 'records between two that were acknowledged are marked too',
    file: 'src/record/spool-relay.ts',
    find: 'const isRange = last - first + 1 === seqs.length;',
    replace: 'const isRange = last >= first;',
    caughtBy: { file: SPOOL, title: 'marks what it was told, and nothing between' },
  },
  {
    name: 'a record that waits for Kafka makes room when the spool is full',
    file: REMOVAL,
    find: "released_at <= ? AND mirror = 'mirrored' AND",
    replace: 'coalesce(released_at, 0) <= ? AND',
    caughtBy: { file: QUOTA, title: 'a full spool refuses with the reason' },
  },
  {
    name: 'the record that was released last goes first',
    file: REMOVAL,
    find: 'ORDER BY released_at, seq LIMIT ?',
    replace: 'ORDER BY released_at DESC, seq DESC LIMIT ?',
    caughtBy: { file: QUOTA, title: 'the longest released record goes first' },
  },
  {
    name: 'released records go when the wall clock says so',
    file: 'src/record/spool-open.ts',
    find: 'options.now ?? (() => performance.now())',
    replace: 'options.now ?? (() => Date.now())',
    caughtBy: { file: SPOOL, title: 'a wall clock that jumps ahead expires nothing' },
  },
  {
    name: 'running time starts anew with each process',
    file: 'src/record/spool-time.ts',
    find: 'return this.#before + Math.max',
    replace: 'return Math.max',
    caughtBy: { file: SPOOL, title: 'running time goes on where it stopped' },
  },
  {
    name: 'the quota does not count body files',
    file: 'src/record/spool-quota.ts',
    find: 'return this.#otherBytes + bodies.keptBytes + bodies.liveBytes;',
    replace: 'return this.#otherBytes + bodies.keptBytes * 0;',
    caughtBy: { file: QUOTA, title: 'released bodies make room for rows' },
  },
  {
    name: 'files of live requests may fill the spool',
    file: 'src/record/spool.ts',
    find: 'bodies.liveBytes + bytes > most || ',
    replace: '',
    caughtBy: { file: QUOTA, title: 'files of live requests take at most half of the quota' },
  },
];

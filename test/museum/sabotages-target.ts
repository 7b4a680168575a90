/** Targets that are asked twice, or believed though their answer is none. */
import type { Sabotage } from './sabotage.ts';

const FAILURE = 'test/forward/failure.test.ts';
const ANSWER = 'test/forward/answer.test.ts';
const UPGRADE = 'test/tunnel-answers.test.ts';

export const TARGET_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'a request is sent again though a part of its answer has come',
    file: 'src/forward/flight.ts',
    find: 'attempt.reused && !attempt.heard &&',
    replace: 'attempt.reused &&',
    caughtBy: { file: FAILURE, title: 'a GET is not sent again once' },
  },
  {
    name: 'a POST is sent again on a fresh connection',
    file: 'src/forward/retry.ts',
    find: "failed.requestSent === 'no' || isIdempotent(failed.method)",
    replace: "failed.requestSent === 'no' || failed.stale || isIdempotent(failed.method)",
    caughtBy: { file: 'test/forward/race.test.ts', title: 'none arrives twice' },
  },
  {
    name: 'a request for a 100 Continue that nobody asked for fails',
    file: 'src/forward/node-connections.ts',
    find: 'return chunk === null ? null : start.pass(chunk);',
    replace: 'return start.heard ? start.pass(chunk ?? Buffer.alloc(0)) : chunk;',
    caughtBy: { file: ANSWER, title: 'B05 100 Continue that nobody asked for' },
  },
  {
    name: 'a status line of another protocol is believed',
    file: 'src/forward/answer-start.ts',
    find: '      if (end === BROKEN || (end === UNFINISHED && bytes.length - at > MAX_HELD_BYTES)) return this.refuse();',
    replace: '      if (end === BROKEN) return this.passAll(bytes);',
    caughtBy: { file: FAILURE, title: 'F26 a status line that ends with two CR' },
  },
  {
    name: 'a failed answer to an upgrade leaves no record',
    file: 'src/tunnels.ts',
    find: "return this.compiled.capture.wants('status', status, this.head.method);",
    replace: "return status < 100 && this.compiled.capture.wants('status', status, this.head.method);",
    caughtBy: { file: UPGRADE, title: 'is on disk before it is relayed, with its record' },
  },
  {
    name: 'a connection with old certificates is used on',
    file: 'src/forward/node-connections.ts',
    find: 'if (this.closing || connection.isSpent || connection.connector !== this.connector)',
    replace: 'if (this.closing || connection.isSpent)',
    caughtBy: { file: 'test/forward/target-tls.test.ts', title: 'a request that runs meanwhile ends' },
  },
];

/** What callers are told that is not so. */
import type { Sabotage } from './sabotage.ts';

const AMBASSADOR = 'test/ambassador.test.ts';
const KEEPER_ANSWER = 'test/runtime/keeper-answer.test.ts';

export const ANSWER_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'the answer comes before the commit',
    file: 'src/runtime/keeper-spool.ts',
    find: 'const results = this.commitTo(this.spool, queue);',
    replace:
      "this.options.answer(queue.map(({ id }) => [id, { kind: 'committed', partial: false }])); const results = this.commitTo(this.spool, queue);",
    caughtBy: { file: KEEPER_ANSWER, title: 'each capture has one answer' },
  },
  {
    name: 'a commit that failed is told as done',
    file: 'src/record/spool-commit.ts',
    find: 'outcomes.push(...slice.map(({ head: { id } }) => ({ id, why: failure.message })));',
    replace: 'outcomes.push(...slice.map(({ head: { id } }) => ({ id, seq: 0, partial: failure.message === "" })));',
    caughtBy: { file: 'test/record/spool-sync.test.ts', title: 'a failed fsync is told as a failure' },
  },
  {
    name: 'a full spool drops a record and says that it is kept',
    file: 'src/record/spool-commit.ts',
    find: 'return { isNew: false, outcome: { id, why } };',
    replace: 'return { isNew: false, outcome: { id, seq: why.length, partial: false } };',
    caughtBy: { file: KEEPER_ANSWER, title: 'what the spool has no room for is told as failed' },
  },
  {
    name: 'a record without all of its body is told as whole',
    file: 'src/record/spool-commit.ts',
    find: 'body.truncated || file === null || file.bytes !== totalBytes)',
    replace: 'body.truncated)',
    caughtBy: { file: 'test/record/spool.test.ts', title: 'a body that' },
  },
  {
    name: 'an answer that gave up waiting for the disk names a record',
    file: 'src/record/capture.ts',
    find: "settle('pending', `the disk",
    replace: "settle('committed', `the disk",
    caughtBy: { file: AMBASSADOR, title: 'is pending, without a record' },
  },
  {
    name: 'the answer does not wait for the disk',
    file: 'src/record/capture.ts',
    find: '    this.options.store.commit(this.captureOf(source, exchange), (result) => {',
    replace: "    settle('committed', ''); this.options.store.commit(this.captureOf(source, exchange), (result) => {",
    caughtBy: { file: AMBASSADOR, title: 'names the record only after the disk has answered' },
  },
  {
    name: 'the friendly answer goes out though nothing was kept',
    file: 'src/record/answer-failure.ts',
    find: 'kept !== null && isOnDisk(kept) ? renderFriendly',
    replace: 'kept !== null ? renderFriendly',
    caughtBy: { file: AMBASSADOR, title: 'does not go out when nothing was kept' },
  },
  {
    name: 'partial is not told to the caller',
    file: 'src/record/answer-failure.ts',
    find: "['outrider-record', kept.id, 'outrider-capture', 'partial']",
    replace: "['outrider-record', kept.id]",
    caughtBy: { file: AMBASSADOR, title: 'is answered with what has come after capture.readWait: partial' },
  },
  {
    name: 'a body that was cut at capture.body is not called truncated',
    file: 'src/accept/copy.ts',
    find: '      this.truncated = true;\n    } else if (this.file !== null) {',
    replace: '    } else if (this.file !== null) {',
    caughtBy: { file: AMBASSADOR, title: 'are cut at capture.body, and the record says so' },
  },
  {
    name: 'a body whose file failed is not called truncated',
    file: 'src/accept/copy.ts',
    find: "    if (state !== 'gone') return true;\n    this.file = null;\n    this.truncated = true;",
    replace: "    if (state !== 'gone') return true;\n    this.file = null;",
    caughtBy: { file: AMBASSADOR, title: 'of a failed request that the disk refuses make' },
  },
  {
    name: 'a body of which the caller sent a part is kept as whole',
    file: 'src/record/capture.ts',
    find: "if (body.state !== 'complete') copy.truncated = true;",
    replace: '',
    caughtBy: { file: AMBASSADOR, title: 'is answered with what has come after capture.readWait: partial' },
  },
  {
    name: 'a keeper that is gone is taken to have committed',
    file: 'src/runtime/keeper-client.ts',
    find: "for (const { done } of pending) done({ kind: 'failed', why });",
    replace: "for (const { done } of pending) done({ kind: 'committed', partial: why === '' });",
    caughtBy: {
      file: 'test/runtime/keeper-client.test.ts',
      title: 'a keeper that goes away fails what it had not answered',
    },
  },
];

/** Some that the fault suite must find from outside, without a test of their own: that it can find anything at all. */
import type { Sabotage } from './sabotage.ts';

const FAULTS = { file: 'test/faults/faults.test.ts', title: 'loses nothing that a caller was promised' };

export const WHOLE_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'seen from outside: answers come before the commit',
    file: 'src/runtime/keeper-spool.ts',
    find: '    this.scheduled = true;\n',
    replace:
      "    this.scheduled = true; this.options.answer(captures.map(({ id }) => [id, { kind: 'committed', partial: false }]));\n",
    caughtBy: FAULTS,
  },
  {
    name: 'seen from outside: records are marked before Kafka has acknowledged them',
    file: 'src/record/mirror.ts',
    find: '    const outcome = await producer.send(',
    replace: '    this.#mark(batch);\n    const outcome = await producer.send(',
    caughtBy: FAULTS,
  },
  {
    name: 'seen from outside: an old database goes before its records have moved',
    file: 'src/record/spool-move.ts',
    find: '    const page = source.page(move.seq, PAGE);',
    replace: '    const page = source.page(Number.MAX_SAFE_INTEGER, PAGE);',
    caughtBy: FAULTS,
  },
];

/** Losses that would not be seen: the ledger, the second count, and records on their way from an older database. */
import type { Sabotage } from './sabotage.ts';

const LEDGER = { file: 'test/record/spool.test.ts', title: 'adds up through commits, refusals, releases and restarts' };
const SOURCE = 'test/record/spool-source.test.ts';
const MOVES = { file: SOURCE, title: 'the records of the old one move over with its ledger' };
const MOVE = 'src/record/spool-move.ts';

export const LEDGER_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'captures are not counted in their transaction',
    file: 'src/record/spool-commit.ts',
    find: 'ledger.addCaptured(inserted.filter(({ isNew }) => isNew).length);',
    replace: '',
    caughtBy: LEDGER,
  },
  {
    name: 'a record that goes leaves nothing in the ledger',
    file: 'src/record/spool-removal.ts',
    find: 'for (const [state, count] of gone) this.#ledger.addGone(state, count);',
    replace: '',
    caughtBy: LEDGER,
  },
  {
    name: 'a record that is handed over twice is counted twice',
    file: 'src/record/spool-commit.ts',
    find: 'inserted.filter(({ isNew }) => isNew).length',
    replace: 'inserted.length',
    caughtBy: { file: 'test/record/spool.test.ts', title: 'is committed once when it is handed over again' },
  },
  {
    name: 'the second count is not written before the answer',
    file: 'src/record/spool.ts',
    find: '    // Before anyone hears of them.\n    this.#writeCount();',
    replace: '',
    caughtBy: { file: 'test/record/spool-sync.test.ts', title: 'bodies and their folder are on the disk' },
  },
  {
    name: 'what the database has lost is counted as held',
    file: 'src/record/spool-open.ts',
    find: "ledger.addGone('quarantined', lost);",
    replace: "ledger.addGone('held', lost);",
    caughtBy: { file: SOURCE, title: 'a folder whose WAL was removed is set aside|what the database itself lost' },
  },
  {
    name: 'the ledger of an older database is not carried',
    file: MOVE,
    find: 'for (const [state, count] of states) ledger.addGone(state, count);',
    replace: '',
    caughtBy: MOVES,
  },
  {
    name: 'captures of an older database are not carried',
    file: MOVE,
    find: '        ledger.addCaptured(captured);',
    replace: '',
    caughtBy: MOVES,
  },
  {
    name: 'records move over under new ids',
    file: 'src/record/spool-move-row.ts',
    find: '...{ seq, head, storedBytes: bytes,',
    replace: '...{ seq, head: { ...head, id: `${head.id.slice(0, -1)}f` }, storedBytes: bytes,',
    caughtBy: MOVES,
  },
  {
    name: 'how far a move has come is not in its transaction',
    file: MOVE,
    find: '      ledger.saveMove(source.identity, next);\n      target',
    replace: '      target',
    caughtBy: { file: SOURCE, title: 'a crash in the middle of the move|a second fault in the middle' },
  },
  {
    name: 'what can not be read of an older database is not counted',
    file: MOVE,
    find: "['quarantined', unreadable + missing] as const",
    replace: "['quarantined', missing] as const",
    caughtBy: { file: SOURCE, title: '' },
  },
  {
    name: 'the folder of a pod that lives is taken over',
    file: MOVE,
    find: "      if (faultOf(error) !== 'corrupt') {",
    replace: "      if (faultOf(error) === 'key') {",
    caughtBy: { file: SOURCE, title: 'is left alone while its owner lives' },
  },
];

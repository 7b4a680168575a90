/** What is not on the disk when it should be, or not as it should be. */
import type { Sabotage } from './sabotage.ts';

const SYNC = 'test/record/spool-sync.test.ts';
const CRASH = 'test/record/spool-crash.test.ts';
const DAMAGE = 'test/record/spool-damage.test.ts';
const ORDER = { file: SYNC, title: 'bodies and their folder are on the disk before the row' };
const FAILED_FSYNC = { file: SYNC, title: 'a failed fsync is told as a failure' };
const DATABASE = 'src/record/spool-database.ts';
const BODY_FILE = 'src/record/spool-body-file.ts';

export const DISK_SABOTAGES: readonly Sabotage[] = [
  {
    name: 'commits are not fsynced',
    file: DATABASE,
    find: 'PRAGMA synchronous=FULL',
    replace: 'PRAGMA synchronous=OFF',
    caughtBy: ORDER,
  },
  {
    name: 'commits are fsynced only when the WAL is written back',
    file: DATABASE,
    find: 'PRAGMA synchronous=FULL',
    replace: 'PRAGMA synchronous=NORMAL',
    caughtBy: ORDER,
  },
  {
    name: 'body files are not fsynced',
    file: BODY_FILE,
    find: 'if (this.#handle !== null) fsyncSync(this.#handle);',
    replace: '',
    caughtBy: ORDER,
  },
  {
    name: 'the folder of body files is not fsynced before a row names one',
    file: 'src/record/spool-commit.ts',
    find: '      this.#parts.bodies.sync();',
    replace: '',
    caughtBy: ORDER,
  },
  {
    name: 'the name of the key file is not fsynced',
    file: 'src/record/spool-key.ts',
    find: '    syncFolder(dirname(path));',
    replace: '',
    caughtBy: { file: SYNC, title: 'the key and the folder are on the disk before anything is sealed' },
  },
  {
    name: 'a body goes before the row that names it',
    file: 'src/record/spool-quota.ts',
    find: '    if (removable.length === 0) return;',
    replace: '    bodies.remove(removable.flatMap(({ bodyFile }) => bodyFile ?? []));',
    caughtBy: ORDER,
  },
  {
    name: 'after a failed fsync the same file is written on',
    file: 'src/record/spool.ts',
    find: 'this.fault ??= error;',
    replace: 'void error;',
    caughtBy: FAILED_FSYNC,
  },
  {
    name: 'a database that was removed while it was used goes unnoticed',
    file: DATABASE,
    find: 'if (identityOf(this.path) === this.#identity) return;',
    replace: 'return;',
    caughtBy: { file: DAMAGE, title: 'removed' },
  },
  {
    name: 'the lock is not kept',
    file: DATABASE,
    find: 'PRAGMA locking_mode=EXCLUSIVE',
    replace: 'PRAGMA locking_mode=NORMAL',
    caughtBy: { file: CRASH, title: 'a second (process|opener)' },
  },
  {
    name: 'files that a record names are taken for orphans',
    file: 'src/record/spool-open.ts',
    find: 'removeOrphans((name) => named.has(name))',
    replace: 'removeOrphans((name) => !named.has(name))',
    caughtBy: { file: CRASH, title: 'body files that no record names are removed' },
  },
  {
    name: 'what follows the end of a body file is not looked at',
    file: BODY_FILE,
    find: "if (readSync(handle, Buffer.alloc(1)) !== 0) throw damaged(path, 'something follows its end');",
    replace: '',
    caughtBy: { file: DAMAGE, title: 'with something behind its end is refused' },
  },
  {
    name: 'the flag of the last frame is not authenticated',
    file: BODY_FILE,
    find: 'this.#subkey.seal(this.#frames, last ? 1 : 0, CONTEXT, text)',
    replace: 'this.#subkey.seal(this.#frames, 0, CONTEXT, text)',
    caughtBy: { file: 'test/record/spool-body-file.test.ts', title: '' },
  },
  {
    name: 'a sequence number is given again after a rollback',
    file: 'src/record/spool-commit.ts',
    find: '    const seq = this.takeSeq();',
    replace: '    const seq = rows.lastSeq() + 1;',
    caughtBy: { file: 'test/record/spool-nonce.test.ts', title: 'is not given again' },
  },
  {
    name: 'every opening seals with the same subkey',
    file: 'src/record/spool-seals.ts',
    find: 'const salt = randomBytes(SALT_BYTES);',
    replace: 'const salt = Buffer.alloc(SALT_BYTES, randomBytes(1).length);',
    caughtBy: { file: 'test/record/spool-nonce.test.ts', title: 'never the same bytes' },
  },
  {
    name: 'what can not be read stays in the way of the rest',
    file: 'src/record/spool-relay.ts',
    find: 'if (records.length > 0 || last === undefined) return records;',
    replace: 'return records;',
    caughtBy: { file: DAMAGE, title: 'a whole page of unreadable rows' },
  },
];

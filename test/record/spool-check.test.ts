/** Damage that no query stumbles over: upkeep finds it. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SpoolError } from '../../src/record/spool.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { captureOf, commitAll, openSpool, thrownBy } from './spool-fixtures.ts';

/** A spool with so many records, changed behind its back while nobody has it open. */
function altered(sql: string, records = 3) {
  const path = temporaryFolder();
  const first = openSpool({ path });
  commitAll(
    first,
    Array.from({ length: records }, (_, n) => captureOf(`body ${n + 1}`)),
  );
  first.close();
  const database = new DatabaseSync(join(first.folder, 'spool.db'));
  database.enableDefensive(false);
  database.exec(sql);
  database.close();
  const spool = openSpool({ path });
  const told: SpoolError[] = [];
  spool.onError = (error) => told.push(error);
  return { spool, told };
}

test.each(["mirror = 'waitinG'", "state = 'helD'", "mirror = ''"])(
  'a row whose %s is quarantined by upkeep, counted and told; the others flow',
  (set) => {
    const { spool, told } = altered(`UPDATE records SET ${set} WHERE seq = 2`);
    spool.maintain();
    expect(told).toMatchObject([{ operation: 'read', fault: 'corrupt', message: expect.stringContaining('row 2') }]);
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0, states: { held: 2, quarantined: 1 } });
    expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual([1, 3]);
    spool.maintain();
    expect(told).toHaveLength(1);
  },
);

test('all rows are looked at, some at each upkeep, and then again', () => {
  const { spool, told } = altered("UPDATE records SET mirror = 'x' WHERE seq = 999", 1000);
  for (let round = 0; round < 12 && told.length === 0; round += 1) spool.maintain();
  expect(told).toMatchObject([{ message: expect.stringContaining('row 999') }]);
});

test.each([
  ['head', 'UPDATE payloads SET head = zeroblob(length(head)) WHERE seq = 2'],
  ['body', 'UPDATE payloads SET body = zeroblob(length(body)) WHERE seq = 2'],
  ['payload', 'DELETE FROM payloads WHERE seq = 2'],
])('a row whose %s can not be read any more is quarantined by upkeep, before anybody needs it', (_, sql) => {
  const { spool, told } = altered(sql);
  spool.maintain();
  expect(told).toHaveLength(1);
  expect(spool.ledger()).toMatchObject({ difference: 0, states: { held: 2, quarantined: 1 } });
});

test('a row whose payload is gone is quarantined when it is read, and shown, not hidden', () => {
  const { spool, told } = altered('DELETE FROM payloads WHERE seq = 2');
  expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual([1, 3]);
  expect(spool.list({ limit: 10 }).map(({ seq, state }) => [seq, state])).toEqual([
    [3, 'held'],
    [2, 'quarantined'],
    [1, 'held'],
  ]);
  expect(told).toHaveLength(1);
  expect(spool.ledger()).toMatchObject({ difference: 0, states: { quarantined: 1 } });
});

test.each([
  // The same index by its name and text, over other rows.
  [
    'which records wait',
    `DROP INDEX records_waiting; CREATE INDEX records_waiting ON records (mirror) WHERE mirror = 'waiting' AND seq > 1;
     PRAGMA writable_schema = ON;
     UPDATE sqlite_schema SET sql = 'CREATE INDEX records_waiting ON records (mirror) WHERE mirror = ''waiting'''
     WHERE name = 'records_waiting'`,
  ],
])('an index that tells something else than the rows (%s) makes the database a corrupt one', (what, sql) => {
  const { spool } = altered(sql);
  expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual([2, 3]);
  expect(thrownBy(() => spool.maintain())).toMatchObject({ fault: 'corrupt', message: expect.stringContaining(what) });
  expect(spool.fault).not.toBeNull();
});

test('a column that says that a part of a body is all of it is not believed', () => {
  const path = temporaryFolder();
  const first = openSpool({ path });
  const bytes = Buffer.from('a part');
  const part = captureOf('', { body: { kind: 'memory', bytes, truncated: true, totalBytes: 1000 } });
  commitAll(first, [part]);
  first.close();
  const database = new DatabaseSync(join(first.folder, 'spool.db'));
  database.exec('UPDATE records SET truncated = 0, total_bytes = 6');
  database.close();
  expect(openSpool({ path }).get(part.id)).toMatchObject({ truncated: true, totalBytes: 1000 });
});

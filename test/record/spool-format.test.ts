/** Releases of one major version share a spool: each reads, and writes, what the one before it left, and the other way round. */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Child, startChild } from '../helpers/child.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
import { captureOf, commitAll, openSpool, recordOf, sha256, thrownBy } from './spool-fixtures.ts';

/** One folder for each earlier format, made by the release of its name. */
const RELEASES = ['0.1.0'];
const FIXTURES = join(import.meta.dirname, '../fixtures');

interface Facts {
  readonly captured: number;
  readonly states: Readonly<Record<string, number>>;
  readonly records: readonly Readonly<Record<string, unknown> & { id: string; seq: number }>[];
  readonly gone: readonly { readonly id: string; readonly seq: number }[];
}

interface Statement {
  readonly sql: string;
  readonly how: 'exec' | 'run' | 'get' | 'all';
  readonly values: readonly unknown[];
  readonly result: number | readonly string[] | null;
}

const readJson = (release: string, name: string): unknown =>
  JSON.parse(readFileSync(join(FIXTURES, `spool-${release}`, name), 'utf8'));

/** A copy of the spool that this release left. */
function copyOf(release: string): string {
  const path = temporaryFolder();
  cpSync(join(FIXTURES, `spool-${release}`, 'pod-1'), join(path, 'pod-1'), { recursive: true });
  return path;
}

function factsOf(spool: ReturnType<typeof openSpool>) {
  return spool.list({ limit: 100 }).map((record) => {
    const { seq, id, state, mirror, mirrorReason, totalBytes, truncated, head } = record;
    const { rule, target, reason, errorReason, response } = head;
    const facts = { rule, target, reason, errorReason, uri: head.head.uri, status: response?.status ?? null };
    const common = { seq, id, state, mirror, mirrorReason, totalBytes, truncated };
    return { ...common, sha256: sha256(spool.readBody(record)), ...facts };
  });
}

describe.each(RELEASES)('a spool of release %s', (release) => {
  const facts = readJson(release, 'facts.json') as Facts;

  test('is read whole, with what lay in its WAL, and its ledger adds up', () => {
    const spool = openSpool({ path: copyOf(release) });
    expect(spool.warnings).toEqual([]);
    expect(factsOf(spool)).toEqual(facts.records);
    expect(spool.ledger()).toMatchObject({ captured: facts.captured, states: facts.states, difference: 0 });
    expect(spool.waiting(0, 100).map(({ seq }) => seq)).toEqual(
      facts.records.flatMap(({ seq, mirror }) => (mirror === 'waiting' ? seq : [])).sort((a, b) => a - b),
    );
    expect(facts.gone.map(({ id }) => spool.get(id))).toEqual(facts.gone.map(() => null));
  });

  test('goes on: new records follow its numbers, marks and releases work, and it survives another opening', () => {
    const path = copyOf(release);
    const spool = openSpool({ path, keep: 0 });
    const capture = captureOf('by the new release');
    const [seq = 0] = commitAll(spool, [capture]);
    expect(seq).toBeGreaterThan(Math.max(...[...facts.records, ...facts.gone].map((record) => record.seq)));
    spool.markMirrored(spool.waiting(0, 100).map((record) => record.seq));
    spool.expire();
    expect(spool.waiting(0, 100)).toEqual([]);
    expect(spool.ledger()).toMatchObject({ captured: facts.captured + 1, difference: 0 });
    spool.close();
    const left = openSpool({ path });
    expect(left.get(capture.id)).toBeNull();
    expect(
      left
        .list({ limit: 10 })
        .map(({ mirror }) => mirror)
        .sort(),
    ).toEqual(['mirrored', 'parked']);
    expect(left.ledger()).toMatchObject({ captured: facts.captured + 1, difference: 0 });
  });

  test('its own statements run on a database of this release, give what they gave, and leave a ledger that adds up', () => {
    const options = { path: temporaryFolder(), keyFile: join(FIXTURES, `spool-${release}`, 'pod-1/key') };
    const made = openSpool(options);
    const kept = captureOf('by the new release');
    const [keptSeq = 0] = commitAll(made, [kept]);
    made.close();
    const database = new DatabaseSync(join(made.folder, 'spool.db'));
    const life = oldLife(readJson(release, 'statements.json') as Statement[]);
    for (const statement of life) replay(database, statement);
    database.close();
    const spool = openSpool(options);
    expect(spool.warnings).toEqual([]);
    expect(recordOf(spool, kept.id)).toMatchObject({ seq: keptSeq, state: 'held' });
    expect(spool.ledger()).toMatchObject({ captured: 1 + addedBy(life), difference: 0 });
    // What the old release sealed opens.
    expect(spool.list({ limit: 10 }).map(({ state }) => state)).toEqual([
      'quarantined',
      'held',
      'held',
      'held',
      'held',
    ]);
    expect(spool.stats().captured).toBe(1 + addedBy(life));
    commitAll(spool, [captureOf('after the roll forward')]);
    expect(spool.ledger().difference).toBe(0);
  });
  test('and this release keep each other out: whoever has the spool open has it alone', async () => {
    const path = temporaryFolder();
    const opening = (readJson(release, 'statements.json') as Statement[])
      .filter(({ how }) => how === 'exec')
      .slice(0, 4);
    const spool = openSpool({ path });
    const database = join(spool.folder, 'spool.db');
    const refused = startOld(database, opening);
    await refused.exited;
    expect(refused.stdout).toEqual(['database is locked']);
    commitAll(spool, [captureOf('still ours')]);
    spool.close();
    const old = startOld(database, opening);
    await waitFor(() => old.stdout.length > 0, { what: 'the old release to open it' });
    expect(old.stdout).toEqual(['open']);
    expect(thrownBy(() => openSpool({ path }))).toMatchObject({ fault: 'locked' });
    old.process.kill('SIGKILL');
    await old.exited;
    expect(openSpool({ path }).ledger()).toMatchObject({ captured: 1, difference: 0 });
  });
});

/** A process that opens the database as the old release did, says what came of it, and keeps it. */
function startOld(database: string, opening: readonly Statement[]): Child {
  const source = `
    import { DatabaseSync } from 'node:sqlite';
    const db = new DatabaseSync(process.argv[1], { timeout: 0 });
    try {
      for (const sql of JSON.parse(process.argv[2])) db.exec(sql);
      console.log('open');
      setInterval(() => db.prepare('SELECT 1').get(), 1000);
    } catch (error) {
      console.log(error.message);
    }`;
  const statements = JSON.stringify(opening.map(({ sql }) => sql));
  const args = ['--input-type=module', '-e', source, database, statements];
  const child = startChild(process.execPath, args, { env: process.env });
  cleanUp(() => void child.process.kill('SIGKILL'));
  return child;
}

/** Without the pragmas of an opening; its numbers lie far above those of a test. */
function oldLife(statements: readonly Statement[]): Statement[] {
  expect(statements.length).toBeGreaterThan(50);
  return statements.filter(({ sql, how }) => how !== 'exec' && !/^PRAGMA|^SELECT count\(\*\) AS tables/.test(sql));
}

/** What the old release counted as captured. */
function addedBy(life: readonly Statement[]): number {
  const added = life.filter(({ sql }) => /SET value = value \+ \? WHERE name = 'captured'/.test(sql));
  return added.reduce((sum, { values }) => sum + Number(values[0]), 0);
}

function replay(database: DatabaseSync, { sql, how, values, result }: Statement): void {
  const got = run(database.prepare(sql), how, values.map(boundValue));
  // BEGIN and COMMIT tell what ran before them; and there are epochs of this release, too.
  if (/^(BEGIN|COMMIT|DELETE FROM epochs)/.test(sql) || result === null) return;
  expect([sql, got]).toEqual([sql, result]);
}

/** Rows changed, or the columns of the first row. */
function run(statement: StatementSync, how: Statement['how'], values: readonly SQLInputValue[]): unknown {
  if (how === 'run') return Number(statement.run(...values).changes);
  const row = how === 'all' ? statement.all(...values)[0] : statement.get(...values);
  return row === undefined ? null : Object.keys(row);
}

function boundValue(value: unknown): SQLInputValue {
  const blob = typeof value === 'object' && value !== null ? Reflect.get(value, 'blob') : undefined;
  return typeof blob === 'string' ? Buffer.from(blob, 'hex') : (value as SQLInputValue);
}

/** What can't be read is noticed, set aside or quarantined, and never deleted or believed. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Spool } from '../../src/record/spool.ts';
import type { KeptRecord } from '../../src/record/states.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import {
  bytesOf,
  captureOf,
  commitAll,
  inFile,
  openSpool,
  recordOf,
  sha256,
  thrownBy,
  writeFile,
} from './spool-fixtures.ts';

const BODY_BYTES = 150_000;

/** A spool with one record whose body is a file, and that file. */
function withBodyFile(): { readonly spool: Spool; readonly record: KeptRecord; readonly file: string } {
  const spool = openSpool();
  writeFile(spool, 1, bytesOf(BODY_BYTES), 30_000);
  const capture = captureOf('', { body: inFile(1, BODY_BYTES) });
  commitAll(spool, [capture]);
  const folder = join(spool.folder, 'bodies');
  const [name = ''] = readdirSync(folder);
  return { spool, record: recordOf(spool, capture.id), file: join(folder, name) };
}

function flipBit(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0x04;
  writeFileSync(file, bytes);
}

/** Changes rows behind the spool's back, while nobody has it open. */
function alter(folder: string, sql: string): void {
  const db = new DatabaseSync(join(folder, 'spool.db'));
  db.exec(sql);
  db.close();
}

describe('a damaged body file', () => {
  const size = 16 + BODY_BYTES + 6 * 20;
  const places = [0, 7, 9, 16, 18, 19, 20, 1000, 30_036, 30_037, 30_040, 100_000, size - 25, size - 17, size - 1];
  test.each(places)('with one bit flipped at byte %d is refused and quarantined', (at) => {
    const { spool, record, file } = withBodyFile();
    expect(readFileSync(file)).toHaveLength(size);
    flipBit(file, at);
    expect(thrownBy(() => spool.readBody(record))).toMatchObject({ name: 'SpoolError', operation: 'read' });
    expect(recordOf(spool, record.id)).toMatchObject({ state: 'quarantined', mirror: 'parked' });
    expect(spool.waiting(0, 10)).toEqual([]);
    expect(spool.ledger()).toMatchObject({ captured: 1, difference: 0, states: { quarantined: 1, held: 0 } });
    expect(readdirSync(join(spool.folder, 'bodies'))).toHaveLength(1);
  });

  test.each([0, 10, 16, 18, 30_000, 30_036, 60_056, size - 20, size - 1])('cut off at byte %d is refused', (length) => {
    const { spool, record, file } = withBodyFile();
    truncateSync(file, length);
    expect(thrownBy(() => spool.readBody(record))).toMatchObject({ fault: 'corrupt' });
  });

  test('with something behind its end is refused', () => {
    const { spool, record, file } = withBodyFile();
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(4096)]));
    expect(thrownBy(() => spool.readBody(record))).toMatchObject({ fault: 'corrupt' });
  });

  test('with frames in another order, or one left out, is refused', () => {
    const frame = 30_020;
    for (const order of [[1, 0], [1], [0, 0]]) {
      const { spool, record, file } = withBodyFile();
      const bytes = readFileSync(file);
      const frames = order.map((index) => bytes.subarray(16 + index * frame, 16 + (index + 1) * frame));
      writeFileSync(file, Buffer.concat([bytes.subarray(0, 16), ...frames, bytes.subarray(16 + 2 * frame)]));
      expect(thrownBy(() => spool.readBody(record))).toMatchObject({ fault: 'corrupt' });
    }
  });

  test('that is missing is refused and quarantined', () => {
    const { spool, record, file } = withBodyFile();
    rmSync(file);
    expect(thrownBy(() => spool.readBody(record))).toMatchObject({ name: 'SpoolError' });
    expect(recordOf(spool, record.id).state).toBe('quarantined');
  });

  test('under the name of another body is refused', () => {
    const spool = openSpool();
    for (const file of [1, 2]) writeFile(spool, file, bytesOf(BODY_BYTES, file));
    const captures = [1, 2].map((file) => captureOf('', { body: inFile(file, BODY_BYTES) }));
    commitAll(spool, captures);
    const folder = join(spool.folder, 'bodies');
    const [one = '', two = ''] = readdirSync(folder);
    renameSync(join(folder, one), join(folder, 'third'));
    renameSync(join(folder, two), join(folder, one));
    renameSync(join(folder, 'third'), join(folder, two));
    for (const { id } of captures)
      expect(thrownBy(() => spool.readBody(recordOf(spool, id)))).toMatchObject({ fault: 'corrupt' });
  });

  test('S10 is never read through a link, nor outside of its folder', () => {
    const { spool, record, file } = withBodyFile();
    renameSync(file, `${file}-moved`);
    symlinkSync(`${file}-moved`, file);
    expect(thrownBy(() => spool.readBody(record))).toMatchObject({ name: 'SpoolError' });
  });
});

describe('a damaged row', () => {
  const changes = [
    ['head', 'UPDATE payloads SET head = zeroblob(length(head)) WHERE seq = 2'],
    ['id', "UPDATE records SET id = '0199c3a1-ffff-7000-8000-000000000000' WHERE seq = 2"],
    ['head of another record', 'UPDATE payloads SET head = (SELECT head FROM payloads WHERE seq = 1) WHERE seq = 2'],
  ] as const;

  test.each(changes)('in its %s is quarantined, the others flow', (_, sql) => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(first, [captureOf('a'), captureOf('b'), captureOf('c')]);
    first.close();
    alter(first.folder, sql);
    const spool = openSpool({ path });
    expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(spool.list({ limit: 10 }).map(({ seq, state }) => [seq, state])).toEqual([
      [3, 'held'],
      [2, 'quarantined'],
      [1, 'held'],
    ]);
    expect(spool.list({ limit: 10, state: 'quarantined' })).toMatchObject([
      { seq: 2, head: { rule: 'users', target: 'prod' } },
    ]);
    expect(spool.ledger()).toMatchObject({ captured: 3, difference: 0, states: { quarantined: 1 } });
    expect(spool.fault).toBeNull();
  });

  test.each(['zeroblob(17)', '(SELECT body FROM payloads WHERE seq = 1)', 'NULL'])(
    'whose body became %s is quarantined when it is read',
    (value) => {
      const path = temporaryFolder();
      const first = openSpool({ path });
      commitAll(first, [captureOf('a'), captureOf('b')]);
      first.close();
      alter(first.folder, `UPDATE payloads SET body = ${value} WHERE seq = 2`);
      const spool = openSpool({ path });
      const [, second] = spool.waiting(0, 10);
      expect(thrownBy(() => second && spool.readBody(second))).toMatchObject({ operation: 'read', fault: 'corrupt' });
      expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual([1]);
    },
  );

  test('a whole page of unreadable rows does not hide those behind it from the mirror', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(
      first,
      Array.from({ length: 60 }, () => captureOf('a')),
    );
    first.close();
    alter(first.folder, 'UPDATE payloads SET head = zeroblob(100) WHERE seq <= 50');
    expect(
      openSpool({ path })
        .waiting(0, 25)
        .map(({ seq }) => seq),
    ).toEqual([51, 52, 53, 54, 55, 56, 57, 58, 59, 60]);
  });

  test('a row that vanished shows in the ledger', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(first, [captureOf('a'), captureOf('b')]);
    first.close();
    alter(first.folder, 'DELETE FROM records WHERE seq = 1');
    const spool = openSpool({ path });
    expect(spool.ledger()).toMatchObject({ captured: 2, difference: 1 });
    expect(spool.stats().captured).toBe(2);
  });
});

describe('a damaged database', () => {
  test.each(['garbage', 'emptied', 'removed'])(
    'that is %s makes way for a fresh one, its records are counted as quarantined, and its folder stays for a look',
    (kind) => {
      const path = temporaryFolder();
      const first = openSpool({ path });
      writeFile(first, 1, bytesOf(BODY_BYTES));
      commitAll(first, [captureOf('', { body: inFile(1, BODY_BYTES) }), captureOf('b'), captureOf('c')]);
      first.markMirrored([3]);
      first.close();
      const [body = ''] = readdirSync(join(first.folder, 'bodies'));
      const database = join(first.folder, 'spool.db');
      if (kind === 'removed') rmSync(database);
      else writeFileSync(database, kind === 'garbage' ? bytesOf(20_000) : '');
      const spool = openSpool({ path });
      commitAll(spool, [captureOf('goes on')]);
      const news: string[] = [];
      spool.onNews = (level, message) => news.push(`${level} ${message}`);
      while (spool.moveSome() === 'moved');
      expect(spool.ledger()).toMatchObject({
        captured: 4,
        difference: 0,
        states: { quarantined: 2, held: 2 },
      });
      expect(news).toEqual([
        expect.stringMatching(/^info .*2 records move over/),
        expect.stringMatching(/^error .*2 records of/),
      ]);
      const [kept = ''] = readdirSync(path).filter((name) => name.includes('.quarantined-'));
      expect(readdirSync(join(path, kept, 'bodies'))).toEqual([body]);
      spool.close();
      const next = openSpool({ path });
      expect(next.warnings).toEqual([expect.stringContaining(kept)]);
      expect(next.moveSome()).toBe('idle');
      expect(next.verify()).toMatchObject({ captured: 4, secondCount: 4, agrees: true });
    },
  );

  test('torn at its end keeps every record that was written back or lies in the WAL', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const captures = [captureOf('a'), captureOf('b')];
    commitAll(first, captures);
    // A copy as a crash leaves it: database and WAL, the WAL with a torn last frame.
    const other = join(temporaryFolder(), 'pod-1');
    mkdirSync(join(other, 'bodies'), { recursive: true });
    for (const name of ['spool.db', 'spool.db-wal', 'key'])
      writeFileSync(join(other, name), readFileSync(join(first.folder, name)));
    writeFileSync(
      join(other, 'spool.db-wal'),
      Buffer.concat([readFileSync(join(other, 'spool.db-wal')), bytesOf(5000)]),
    );
    const spool = openSpool({ path: join(other, '..') });
    expect(captures.map(({ id }) => spool.get(id)?.id)).toEqual(captures.map(({ id }) => id));
  });

  test('of a newer format, or of something else, is left alone with a clear message', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(first, [captureOf('a')]);
    first.close();
    alter(first.folder, 'PRAGMA user_version = 2');
    expect(thrownBy(() => openSpool({ path }))).toMatchObject({
      fault: 'version',
      message: expect.stringContaining('format 2'),
    });
    alter(first.folder, 'PRAGMA user_version = 1; PRAGMA application_id = 7');
    expect(thrownBy(() => openSpool({ path }))).toMatchObject({ message: expect.stringContaining('something else') });
    alter(first.folder, 'PRAGMA application_id = 1333097586');
    expect(openSpool({ path }).ledger()).toMatchObject({ captured: 1 });
  });
});

describe('keys', () => {
  const key = (seed: number, encoding: 'hex' | 'base64') => bytesOf(32, seed).toString(encoding);

  test('the first of the file seals and all of them open, so that keys can be rotated', () => {
    const path = temporaryFolder();
    const keyFile = join(path, 'keys');
    writeFileSync(keyFile, `${key(1, 'hex')}\n`);
    const first = openSpool({ path, keyFile });
    writeFile(first, 1, bytesOf(BODY_BYTES));
    const [old, oldFile] = [captureOf('sealed with the old key'), captureOf('', { body: inFile(1, BODY_BYTES) })];
    commitAll(first, [old, oldFile]);
    first.close();

    writeFileSync(keyFile, `# new\n${key(2, 'base64')}\n\n${key(1, 'hex')}\n`);
    const second = openSpool({ path, keyFile });
    expect(Buffer.from(second.readBody(recordOf(second, old.id))).toString()).toBe('sealed with the old key');
    expect(sha256(second.readBody(recordOf(second, oldFile.id)))).toBe(sha256(bytesOf(BODY_BYTES)));
    commitAll(second, [captureOf('sealed with the new key')]);
    second.close();

    writeFileSync(keyFile, `${key(2, 'base64')}\n`);
    expect(thrownBy(() => openSpool({ path, keyFile }))).toMatchObject({
      fault: 'key',
      message: expect.stringContaining('later line'),
    });
    writeFileSync(keyFile, `${key(2, 'base64')}\n${key(1, 'hex')}\n`);
    const third = openSpool({ path, keyFile, keep: 0 });
    third.markMirrored(third.waiting(0, 2).map(({ seq }) => seq));
    third.expire();
    third.close();
    // Nothing is left that the old key sealed.
    writeFileSync(keyFile, `${key(2, 'base64')}\n`);
    expect(openSpool({ path, keyFile }).list({ limit: 10 })).toHaveLength(1);
  });

  test('one is made on first use, for this user alone, and no second one once records hang on it', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    commitAll(first, [captureOf('a')]);
    first.close();
    const keyPath = join(first.folder, 'key');
    const made = readFileSync(keyPath, 'utf8');
    expect(Buffer.from(made.trim(), 'base64')).toHaveLength(32);
    renameSync(keyPath, `${keyPath}-lost`);
    expect(thrownBy(() => openSpool({ path }))).toMatchObject({
      fault: 'key',
      message: expect.stringContaining('put it back'),
    });
    expect(readdirSync(first.folder)).not.toContain('key');
    renameSync(`${keyPath}-lost`, keyPath);
    expect(openSpool({ path }).list({ limit: 1 })).toHaveLength(1);
  });

  test.each([
    ['missing', null],
    ['empty', '\n# nothing\n'],
    ['too short', 'c2hvcnQ=\n'],
    ['no key at all', `${'x'.repeat(200)}\n`],
  ])('a key file that is %s is named with the fix, and no spool is left open', (_, text) => {
    const path = temporaryFolder();
    const keyFile = join(path, 'keys');
    if (text !== null) writeFileSync(keyFile, text);
    const error = thrownBy(() => openSpool({ path, keyFile }));
    expect(error).toMatchObject({
      name: 'SpoolError',
      operation: 'open',
      fault: 'key',
      message: expect.stringContaining(keyFile),
    });
    expect(String(error)).not.toContain('x'.repeat(50));
    expect(openSpool({ path }).ledger().captured).toBe(0);
  });
});

describe('a folder that can not be used', () => {
  test('S10 is named: a file in the way, a link, a name that leads elsewhere', () => {
    const path = temporaryFolder();
    writeFileSync(join(path, 'file'), '');
    const elsewhere = temporaryFolder();
    symlinkSync(elsewhere, join(path, 'linked'));
    expect(thrownBy(() => openSpool({ path: join(path, 'file') }))).toMatchObject({
      fault: 'access',
      message: expect.stringContaining(join(path, 'file')),
    });
    expect(thrownBy(() => openSpool({ path, podName: 'linked' }))).toMatchObject({ fault: 'access' });
    for (const podName of ['../up', 'a/b', '.', '..']) {
      expect(thrownBy(() => openSpool({ path, podName }))).toMatchObject({ fault: 'access' });
    }
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('that others may read is closed to them', () => {
    const path = temporaryFolder();
    mkdirSync(join(path, 'pod-1'));
    chmodSync(join(path, 'pod-1'), 0o2775);
    const spool = openSpool({ path });
    commitAll(spool, [captureOf('a')]);
    expect(readdirSync(path)).toEqual(['pod-1']);
  });

  test('removed while running: bodies are kept again in a folder made anew', () => {
    const spool = openSpool();
    rmSync(join(spool.folder, 'bodies'), { recursive: true });
    writeFile(spool, 1, bytesOf(BODY_BYTES));
    const capture = captureOf('', { body: inFile(1, BODY_BYTES) });
    expect(spool.commit([capture])).toMatchObject([{ partial: false }]);
    expect(sha256(spool.readBody(recordOf(spool, capture.id)))).toBe(sha256(bytesOf(BODY_BYTES)));
  });

  test.each([
    ['the database', (folder: string) => rmSync(join(folder, 'spool.db'))],
    ['its WAL', (folder: string) => rmSync(join(folder, 'spool.db-wal'))],
    ['all of it', (folder: string) => rmSync(folder, { recursive: true })],
    ['the folder, by a rename', (folder: string) => renameSync(folder, `${folder}.old`)],
  ])(
    '%s removed while running: nothing is called committed that has no name, and a fresh spool follows',
    (_, remove) => {
      const path = temporaryFolder();
      const spool = openSpool({ path });
      commitAll(spool, [captureOf('before')]);
      remove(spool.folder);
      expect(spool.commit([captureOf('lost')])).toMatchObject([
        { why: expect.stringContaining('removed or replaced') },
      ]);
      expect(spool.fault).not.toBeNull();
      spool.close();
      const next = openSpool({ path });
      const capture = captureOf('after');
      commitAll(next, [capture]);
      expect(recordOf(next, capture.id).state).toBe('held');
    },
  );

  test('a database removed from an idle spool is noticed by its upkeep', () => {
    const spool = openSpool();
    rmSync(join(spool.folder, 'spool.db'));
    expect(String(thrownBy(() => spool.maintain()))).toContain('removed or replaced');
    expect(spool.fault).not.toBeNull();
  });
});

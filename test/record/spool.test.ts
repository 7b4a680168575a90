import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import {
  bytesOf,
  captureOf,
  commitAll,
  inFile,
  MEBIBYTE,
  nextId,
  openSpool,
  recordOf,
  seqOf,
  sha256,
  thrownBy,
  writeFile,
} from './spool-fixtures.ts';

const response = {
  status: 503,
  rawHeaders: ['Content-Type', 'text/plain'],
  body: new Uint8Array([0, 1, 255, 254]),
  truncated: true,
};

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('what is committed', () => {
  test('comes back as it was given, also after the spool was opened again', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const capture = captureOf(bytesOf(1000), { response, redacted: ['headers.cookie'] });
    commitAll(first, [capture]);
    first.close();
    const spool = openSpool({ path });
    const record = recordOf(spool, capture.id);
    const { body, ...head } = capture;
    expect(record).toMatchObject({
      id: capture.id,
      state: 'held',
      mirror: 'waiting',
      mirrorReason: '',
      truncated: false,
    });
    expect(record).toMatchObject({ storedBytes: 1000, totalBytes: 1000 });
    expect(JSON.parse(JSON.stringify(record.head))).toEqual(JSON.parse(JSON.stringify(head)));
    expect([...(record.head.response?.body ?? [])]).toEqual([...response.body]);
    expect(sha256(spool.readBody(record))).toBe(sha256(bytesOf(1000)));
    expect(body.totalBytes).toBe(1000);
  });

  test('has rising sequence numbers that are not given again after records are gone', () => {
    const path = temporaryFolder();
    const first = openSpool({ path, keep: 0 });
    const before = commitAll(first, [captureOf('a'), captureOf('b'), captureOf('c')]);
    first.markMirrored(before);
    first.expire();
    expect(first.list({ limit: 10 })).toEqual([]);
    const next = seqOf(first.commit([captureOf('d')])[0] ?? { id: '', why: 'no outcome' });
    expect(next).toBeGreaterThan(Math.max(...before));
    first.markMirrored([next]);
    first.expire();
    first.close();
    const spool = openSpool({ path });
    expect(Math.min(...commitAll(spool, [captureOf('e')]))).toBeGreaterThan(next);
  });

  test('is committed once when it is handed over again under its id', () => {
    const spool = openSpool();
    const capture = captureOf('once');
    const [seq] = commitAll(spool, [capture]);
    expect(commitAll(spool, [capture, captureOf('other')])[0]).toBe(seq);
    expect(spool.ledger()).toMatchObject({ captured: 2, difference: 0 });
  });

  test('has an outcome for each capture, in their order', () => {
    const captures = Array.from({ length: 300 }, (_, index) => captureOf(`body ${index}`));
    const outcomes = openSpool().commit(captures);
    expect(outcomes.map(({ id }) => id)).toEqual(captures.map(({ id }) => id));
    expect(outcomes.every((outcome) => 'seq' in outcome && !outcome.partial)).toBe(true);
  });

  test('an empty body comes back empty', () => {
    const spool = openSpool();
    const capture = captureOf('');
    commitAll(spool, [capture]);
    expect(spool.readBody(recordOf(spool, capture.id))).toHaveLength(0);
  });
});

describe('large bodies', () => {
  test.each([0, 1, 16_384, 65_535, 65_536, 65_537, 131_072, 1_000_003])(
    'a body file of %d bytes comes back whole',
    (length) => {
      const path = temporaryFolder();
      const first = openSpool({ path });
      const bytes = bytesOf(length);
      writeFile(first, 7, bytes);
      const capture = captureOf('', { body: inFile(7, length) });
      expect(first.commit([capture])).toEqual([{ id: capture.id, seq: expect.any(Number), partial: false }]);
      first.close();
      const spool = openSpool({ path });
      const record = recordOf(spool, capture.id);
      const chunks = [...spool.bodyChunks(record)];
      expect(chunks.every((chunk) => chunk.length > 0 && chunk.length <= 65_536)).toBe(true);
      expect(sha256(Buffer.concat(chunks))).toBe(sha256(bytes));
      expect(sha256(spool.readBody(record))).toBe(sha256(bytes));
    },
  );

  test('a body written byte by byte takes hardly more room than its bytes', () => {
    const spool = openSpool();
    writeFile(spool, 1, bytesOf(40_000), 1);
    commitAll(spool, [captureOf('', { body: inFile(1, 40_000) })]);
    const [file = ''] = filesBelow(join(spool.folder, 'bodies'));
    expect(statSync(file).size).toBeLessThan(40_200);
  });

  test('a large body in memory becomes a file', () => {
    const spool = openSpool();
    const bytes = bytesOf(200_000);
    const capture = captureOf(bytes);
    commitAll(spool, [capture]);
    expect(filesBelow(join(spool.folder, 'bodies'))).toHaveLength(1);
    expect(sha256(spool.readBody(recordOf(spool, capture.id)))).toBe(sha256(bytes));
  });

  test('a body that was given up costs the body, not the record', () => {
    const spool = openSpool();
    writeFile(spool, 1, bytesOf(100_000));
    spool.dropBody(1);
    const capture = captureOf('', { body: inFile(1, 100_000) });
    expect(spool.commit([capture])).toMatchObject([{ id: capture.id, partial: true }]);
    expect(recordOf(spool, capture.id)).toMatchObject({ truncated: true, storedBytes: 0, totalBytes: 100_000 });
    expect(filesBelow(join(spool.folder, 'bodies'))).toEqual([]);
  });

  test('a body that lacks a chunk is partial, whatever the path says of it', () => {
    const spool = openSpool();
    writeFile(spool, 1, bytesOf(100_000));
    const capture = captureOf('', { body: inFile(1, 100_001) });
    expect(spool.commit([capture])).toMatchObject([{ partial: true }]);
    expect(recordOf(spool, capture.id)).toMatchObject({ truncated: true, storedBytes: 100_000 });
  });

  test('a dropped body leaves no file', () => {
    const spool = openSpool();
    writeFile(spool, 1, bytesOf(100_000));
    spool.dropBody(1);
    spool.dropBody(1);
    expect(filesBelow(join(spool.folder, 'bodies'))).toEqual([]);
    expect(thrownBy(() => spool.writeBody(1, bytesOf(1)))).toMatchObject({ name: 'SpoolError', operation: 'copy' });
  });
});

describe('listing', () => {
  const three = [
    captureOf('', { rule: 'a', target: 'qa', reason: 'timeout', timestamp: 100 }),
    captureOf('', { rule: 'b', target: 'qa', reason: 'connect', timestamp: 50 }),
    captureOf('', { rule: 'a', target: 'prod', reason: 'connect', timestamp: 200 }),
  ];
  const [first, second, third] = three.map(({ id }) => id);

  test('gives the newest first, and pages by sequence', () => {
    const spool = openSpool();
    const [, middle = 0] = commitAll(spool, three);
    const ids = (filter: object) => spool.list({ limit: 10, ...filter }).map(({ id }) => id);
    expect(ids({})).toEqual([third, second, first]);
    expect(ids({ limit: 2 })).toEqual([third, second]);
    expect(ids({ beforeSeq: middle })).toEqual([first]);
    expect(ids({ afterSeq: 0 })).toEqual([first, second, third]);
    expect(ids({ afterSeq: middle })).toEqual([third]);
  });

  test('filters by state, rule, target, reason and time of arrival', () => {
    const spool = openSpool();
    commitAll(spool, three);
    const ids = (filter: object) => spool.list({ limit: 10, ...filter }).map(({ id }) => id);
    expect(ids({ rule: 'a' })).toEqual([third, first]);
    expect(ids({ rule: 'a', reason: 'connect' })).toEqual([third]);
    expect(ids({ target: 'qa', since: 100 })).toEqual([first]);
    expect(ids({ state: 'held', since: null })).toHaveLength(3);
    expect(ids({ state: 'dead' })).toEqual([]);
    expect(ids({ rule: "' OR 1=1 --" })).toEqual([]);
  });

  test('goes over more records than it opens at once', () => {
    const spool = openSpool();
    const captures = Array.from({ length: 500 }, () => captureOf(''));
    const seqs = commitAll(spool, captures);
    expect(spool.list({ limit: 450 }).map(({ seq }) => seq)).toEqual(seqs.slice(50).reverse());
    expect(spool.list({ limit: 450, afterSeq: 0 }).map(({ seq }) => seq)).toEqual(seqs.slice(0, 450));
  });

  test('knows no other ids', () => {
    expect(openSpool().get(nextId())).toBeNull();
    expect(openSpool().get('../../etc/passwd')).toBeNull();
  });
});

describe('the mirror', () => {
  test('gets what waits in sequence, and what it acknowledged no more', () => {
    const spool = openSpool();
    const seqs = commitAll(spool, [captureOf('a'), captureOf('b'), captureOf('c'), captureOf('d')]);
    expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual(seqs);
    expect(spool.waiting(seqs[0] ?? 0, 2).map(({ seq }) => seq)).toEqual(seqs.slice(1, 3));
    spool.markMirrored(seqs.slice(0, 1));
    spool.markMirroredWithoutBody(seqs.slice(1, 2));
    spool.park(seqs[2] ?? 0, 'MESSAGE_TOO_LARGE');
    expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual(seqs.slice(3));
    const mirrors = spool.list({ limit: 10 }).map(({ mirror, mirrorReason }) => [mirror, mirrorReason]);
    expect(spool.list({ limit: 10, mirror: 'parked' }).map(({ seq }) => seq)).toEqual(seqs.slice(2, 3));
    expect(mirrors).toEqual([
      ['waiting', ''],
      ['parked', 'MESSAGE_TOO_LARGE'],
      ['mirrored', ''],
      ['mirrored', ''],
    ]);
  });

  test('marks what it was told, and nothing between', () => {
    const spool = openSpool();
    const seqs = commitAll(spool, [captureOf('a'), captureOf('b'), captureOf('c'), captureOf('d')]);
    const [first = 0, second = 0, third = 0, fourth = 0] = seqs;
    spool.markMirrored([first, third]);
    expect(spool.waiting(0, 10).map(({ seq }) => seq)).toEqual([second, fourth]);
    spool.park(second, 'INVALID_RECORD');
    spool.markMirrored([first, second, third, fourth]);
    expect(spool.list({ limit: 10, afterSeq: 0 }).map(({ mirror }) => mirror)).toEqual([
      'mirrored',
      'parked',
      'mirrored',
      'mirrored',
    ]);
  });

  test('gets a body along with its row, but one that is a file', () => {
    const spool = openSpool();
    const large = bytesOf(100_000);
    commitAll(spool, [captureOf('small'), captureOf(''), captureOf(large)]);
    const waiting = spool.waiting(0, 10);
    expect(waiting.map(({ body }) => (body === null ? null : Buffer.from(body).toString()))).toEqual([
      'small',
      '',
      null,
    ]);
    expect(waiting.map((record) => spool.readBody(record).length)).toEqual([5, 0, 100_000]);
  });

  test('its marks hold after a restart', () => {
    const path = temporaryFolder();
    const first = openSpool({ path });
    const seqs = commitAll(first, [captureOf('a'), captureOf('b')]);
    first.markMirrored(seqs.slice(0, 1));
    first.close();
    expect(
      openSpool({ path })
        .waiting(0, 10)
        .map(({ seq }) => seq),
    ).toEqual(seqs.slice(1));
  });

  test('without one configured nothing waits and nothing is released', () => {
    const spool = openSpool({ mirror: false, keep: 0 });
    const seqs = commitAll(spool, [captureOf('a')]);
    expect(spool.waiting(0, 10)).toEqual([]);
    spool.markMirrored(seqs);
    spool.expire();
    expect(spool.list({ limit: 10 })).toMatchObject([{ state: 'held', mirror: 'none' }]);
  });
});

describe('released records', () => {
  test('stay for browsing until they were kept long enough, by running time', () => {
    let now = 1_000_000;
    const spool = openSpool({ keep: 60_000, now: () => now });
    const seqs = commitAll(spool, [captureOf('a'), captureOf('b')]);
    spool.markMirrored(seqs.slice(0, 1));
    now += 59_999;
    spool.expire();
    expect(spool.list({ limit: 10 })).toHaveLength(2);
    now += 1;
    spool.expire();
    expect(spool.list({ limit: 10 }).map(({ seq }) => seq)).toEqual(seqs.slice(1));
  });

  test('are neither those that were mirrored without their body nor parked ones', () => {
    const spool = openSpool({ keep: 0 });
    const seqs = commitAll(spool, [captureOf('a'), captureOf('b'), captureOf('c')]);
    spool.markMirroredWithoutBody(seqs.slice(0, 1));
    spool.park(seqs[1] ?? 0, 'refused');
    spool.expire();
    expect(spool.list({ limit: 10 })).toHaveLength(3);
  });

  test('take their body files with them', () => {
    const spool = openSpool({ keep: 0 });
    writeFile(spool, 1, bytesOf(100_000));
    spool.markMirrored(commitAll(spool, [captureOf('', { body: inFile(1, 100_000) })]));
    spool.expire();
    expect(filesBelow(join(spool.folder, 'bodies'))).toEqual([]);
  });

  test('running time goes on where it stopped, and time when nothing ran does not count', () => {
    const path = temporaryFolder();
    let now = 500;
    const first = openSpool({ path, keep: 1000, now: () => now });
    first.markMirrored(commitAll(first, [captureOf('a')]));
    now += 600;
    first.close();
    now = 9_000_000;
    const spool = openSpool({ path, keep: 1000, now: () => now });
    now += 399;
    spool.expire();
    expect(spool.list({ limit: 10 })).toHaveLength(1);
    now += 1;
    spool.expire();
    expect(spool.list({ limit: 10 })).toEqual([]);
  });

  test('a wall clock that jumps ahead expires nothing', () => {
    const { now } = Date;
    cleanUp(() => {
      Date.now = now;
    });
    const spool = openSpool({ keep: 60_000 });
    const capture = captureOf();
    spool.markMirrored(commitAll(spool, [capture]));
    Date.now = () => now() + 10 * 24 * 3_600_000;
    spool.expire();
    expect(spool.get(capture.id)?.mirror).toBe('mirrored');
  });

  test('a clock that runs backwards expires nothing', () => {
    let now = 1_000_000;
    const spool = openSpool({ keep: 10, now: () => now });
    spool.markMirrored(commitAll(spool, [captureOf('a')]));
    now -= 3_600_000;
    spool.expire();
    expect(spool.list({ limit: 10 })).toHaveLength(1);
    expect(spool.stats().oldestWaitingAgeSeconds).toBe(0);
  });
});

describe('the ledger', () => {
  test('adds up through commits, refusals, releases and restarts', () => {
    const path = temporaryFolder();
    const first = openSpool({ path, keep: 0 });
    first.markMirrored(
      commitAll(
        first,
        Array.from({ length: 40 }, () => captureOf('x')),
      ).slice(0, 25),
    );
    first.expire();
    expect(first.list({ limit: 100 })).toHaveLength(15);
    expect(first.ledger()).toMatchObject({ captured: 40, difference: 0, states: { held: 40, lost: 0 } });
    first.close();
    const spool = openSpool({ path });
    commitAll(spool, [captureOf('y')]);
    expect(spool.ledger()).toMatchObject({ captured: 41, difference: 0, states: { held: 41 } });
  });

  test('stats tell ages, counts and bytes', () => {
    let now = 0;
    const spool = openSpool({ now: () => now });
    const seqs = commitAll(spool, [captureOf('a')]);
    now += 5000;
    commitAll(spool, [captureOf('b')]);
    now += 1000;
    expect(spool.stats()).toMatchObject({
      captured: 2,
      mirrorWaiting: 2,
      oldestWaitingAgeSeconds: 6,
      oldestUnreleasedAgeSeconds: 6,
    });
    spool.markMirrored(seqs);
    expect(spool.stats()).toMatchObject({
      mirrorWaiting: 1,
      oldestWaitingAgeSeconds: 1,
      oldestUnreleasedAgeSeconds: 1,
    });
    expect(spool.stats()).toMatchObject({ records: { held: 2 }, limitBytes: 64 * MEBIBYTE });
    const onDisk = filesBelow(spool.folder).reduce((sum, file) => sum + statSync(file).size, 0);
    expect(spool.stats().bytes).toBeGreaterThanOrEqual(onDisk);
  });
});

test('a spool that was closed is no disk that fails', () => {
  const spool = openSpool();
  const told: unknown[] = [];
  spool.onError = (error) => told.push(error);
  const [seq = 0] = commitAll(spool, [captureOf()]);
  spool.close();
  for (const use of [() => spool.waiting(0, 1), () => spool.markMirrored([seq]), () => spool.stats()]) {
    expect(thrownBy(use)).toMatchObject({ fault: 'closed' });
  }
  expect([spool.fault, told]).toEqual([null, []]);
});

describe('on the disk', () => {
  test('nothing of a request can be read without the key', () => {
    const spool = openSpool();
    const secret = 'a-very-secret-value';
    const file = Buffer.from(secret.repeat(10_000));
    writeFile(spool, 1, file);
    const capture = captureOf(secret, { errorReason: secret, response: { ...response, body: Buffer.from(secret) } });
    const withHeader = captureOf('', { body: inFile(1, file.length) });
    commitAll(spool, [
      capture,
      { ...withHeader, head: { ...withHeader.head, uri: `/${secret}`, rawHeaders: ['X', secret] } },
    ]);
    const texts = filesBelow(spool.folder).map((name) => readFileSync(name, 'latin1'));
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  });

  test('S10 folders are 0700 and files 0600', () => {
    const spool = openSpool();
    writeFile(spool, 1, bytesOf(100_000));
    commitAll(spool, [captureOf('', { body: inFile(1, 100_000) })]);
    const modes = (paths: string[]) => new Set(paths.map((path) => (statSync(path).mode & 0o777).toString(8)));
    expect(modes([spool.folder, join(spool.folder, 'bodies')])).toEqual(new Set(['700']));
    expect(modes(filesBelow(spool.folder))).toEqual(new Set(['600']));
  });
});

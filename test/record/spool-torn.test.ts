/** Torn and flipped files: what is read is what was kept, what can't be read is told, and nothing is made up. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { bytesIn, textIn } from '../../src/record/spool-database.ts';
import { randomFrom } from '../dispatch/fixtures.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { bytesOf, captureOf, commitAll, inFile, openSpool, recordOf, writeFile } from './spool-fixtures.ts';
import { contentsOf, type Image, imageOf, lookInto, withFile, writeImage } from './spool-images.ts';

/** `npm run test:full` looks at more. */
const FLIPS = process.env.OUTRIDER_TEST_FULL === '1' ? 6000 : 500;
const WAL_HEADER = 32;
const FRAME_HEADER = 24;
const FRAME = FRAME_HEADER + 8192;

interface Sample {
  readonly image: Image;
  /** What each record holds, by id. */
  readonly truth: ReadonlyMap<string, string>;
}

/** `inWal`: nothing was written back, so that the WAL has it all; else the database has. */
function sample(inWal: boolean): Sample {
  const spool = openSpool({ size: 8 << 20 });
  for (let i = 0; i < 5; i += 1) commitAll(spool, [captureOf(bytesOf(300, i)), captureOf(`body ${i}`)]);
  writeFile(spool, 1, bytesOf(70_000));
  commitAll(spool, [captureOf('', { body: inFile(1, 70_000) })]);
  if (!inWal) spool.maintain();
  return { image: imageOf(spool), truth: contentsOf(spool) };
}

const fileIn = (image: Image, name: string): Buffer => image.get(name) ?? Buffer.alloc(0);

const bodyIn = (image: Image): string => [...image.keys()].find((name) => name.startsWith('bodies/')) ?? '';

/** Opens one image after another in one folder, and tells what no person would hear of. */
class Damages {
  readonly problems: string[] = [];
  readonly missing = new Map<string, readonly string[]>();
  readonly #truth: Sample['truth'];
  readonly #path = temporaryFolder({ inMemory: true });

  constructor({ truth }: Sample) {
    this.#truth = truth;
  }

  /** `named`: the damage, in words. */
  look(named: string, image: Image): void {
    const { wrong, missing, told } = lookInto(writeImage(image, this.#path), this.#truth);
    this.problems.push(...wrong.map((what) => `${named}: read as something else: ${what}`));
    if (missing.length > 0 && told.length === 0) this.problems.push(`${named}: silently lost ${missing.join(' ')}`);
    this.missing.set(named, missing);
  }
}

/** One flipped bit each, over the whole file. */
function flip(from: Sample, name: string, flips: number): Damages {
  const damages = new Damages(from);
  const file = fileIn(from.image, name);
  const random = randomFrom(file.length);
  for (let n = 0; n < flips; n += 1) {
    // The first bytes, which everything hangs on, one by one.
    const at = n < 100 ? n : Math.floor(random() * file.length);
    const bit = Math.floor(random() * 8);
    const flipped = Buffer.from(file);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
    damages.look(`bit ${bit} of byte ${at}`, withFile(from.image, name, flipped));
  }
  return damages;
}

/** Byte by byte through the heads of frames, in steps through their pages. */
function nextCut(cut: number, end: number): number {
  if (cut === end || (cut - WAL_HEADER) % FRAME <= FRAME_HEADER) return cut + 1;
  return Math.min(cut + 101, end, cut + FRAME - ((cut - WAL_HEADER) % FRAME));
}

test('a WAL that was cut off anywhere in its last commit gives every earlier record, and that one whole or not at all', () => {
  // So large that nothing is written back meanwhile.
  const spool = openSpool({ size: 64 << 20 });
  const before = [captureOf('a'), captureOf('b'), captureOf(bytesOf(5000))];
  for (const capture of before) commitAll(spool, [capture]);
  const earlier = fileIn(imageOf(spool), 'spool.db-wal').length;
  const last = captureOf('the last one');
  commitAll(spool, [last]);
  const image = imageOf(spool);
  const truth = contentsOf(spool);
  const wal = fileIn(image, 'spool.db-wal');
  expect(wal.length).toBeGreaterThan(earlier);
  const damages = new Damages({ image, truth });
  let whole = 0;
  for (let cut = earlier; cut <= wal.length; cut = nextCut(cut, wal.length)) {
    damages.look(`${cut}`, withFile(image, 'spool.db-wal', wal.subarray(0, cut)));
    const missing = damages.missing.get(`${cut}`) ?? [];
    if (missing.length === 0) whole += 1;
    else expect([cut, missing]).toEqual([cut, [last.id]]);
  }
  expect(damages.problems).toEqual([]);
  // It is there with its last byte, and not before.
  expect([whole, damages.missing.size]).toEqual([1, expect.any(Number)]);
  expect(damages.missing.size).toBeGreaterThan(500);
});

test('after a torn tail the spool goes on, and what is committed then stays', () => {
  const { image, truth } = sample(true);
  const wal = fileIn(image, 'spool.db-wal');
  const path = writeImage(withFile(image, 'spool.db-wal', wal.subarray(0, wal.length - 5000)));
  const spool = openSpool({ path, size: 8 << 20 });
  const capture = captureOf('after the tear');
  commitAll(spool, [capture]);
  spool.close();
  const again = openSpool({ path, size: 8 << 20 });
  expect(recordOf(again, capture.id).state).toBe('held');
  expect([...truth.keys()].filter((id) => again.get(id) === null).length).toBeLessThanOrEqual(1);
  expect(again.ledger().difference).toBe(0);
});

test.each([
  ['the database', 'spool.db', FLIPS],
  ['a body file', '', FLIPS / 5],
])(
  'a bit that flips in %s never changes what is read, and what it takes away is told',
  (_, name, flips) => {
    const from = sample(false);
    const file = name === '' ? bodyIn(from.image) : name;
    const damages = flip(from, file, flips);
    expect(damages.problems).toEqual([]);
    const counts = [...damages.missing.values()].map((missing) => missing.length);
    const all = counts.filter((count) => count === from.truth.size).length;
    const some = counts.filter((count) => count > 0).length;
    process.stderr.write(`flips: of ${flips} bits ${some} took something away, ${all} everything\n`);
    // Some bits matter to somebody: a test that flips none would see nothing missing.
    expect([...damages.missing.values()].some((missing) => missing.length > 0)).toBe(true);
    if (name === '') expect(Math.max(...[...damages.missing.values()].map((missing) => missing.length))).toBe(1);
  },
  240_000,
);

test('a bit that flips in the WAL changes nothing that is read, takes only commits behind it, and that is told', () => {
  const from = sample(true);
  const damages = flip(from, 'spool.db-wal', FLIPS / 2);
  expect(damages.problems).toEqual([]);
  // Newest first: what is missing is the end, never a hole.
  const ids = [...from.truth.keys()];
  for (const missing of damages.missing.values()) expect(missing).toEqual(ids.slice(0, missing.length));
  expect([...damages.missing.values()].some((missing) => missing.length > 0)).toBe(true);
});

test('a flipped bit in what is sealed of a record costs that record, and no other', () => {
  const from = sample(false);
  const database = fileIn(from.image, 'spool.db');
  const { id, sealed } = sealedOf(from.image, 5);
  const damages = new Damages(from);
  for (let at = 0; at < sealed.length; at += 7) {
    const flipped = Buffer.from(database);
    // Pages that were split leave a copy behind: every one of them is hit.
    for (let start = database.indexOf(sealed); start >= 0; start = database.indexOf(sealed, start + 1)) {
      flipped[start + at] = (flipped[start + at] ?? 0) ^ (1 << (at % 8));
    }
    damages.look(`byte ${at}`, withFile(from.image, 'spool.db', flipped));
    expect(damages.missing.get(`byte ${at}`)).toEqual([id]);
  }
  expect(damages.problems).toEqual([]);
});

/** The sealed head of a row, as it lies in the file. */
function sealedOf(image: Image, seq: number): { readonly id: string; readonly sealed: Buffer } {
  const database = new DatabaseSync(join(writeImage(image), 'pod-1/spool.db'), { readOnly: true });
  try {
    const sql = 'SELECT id, head FROM records r JOIN payloads p ON p.seq = r.seq WHERE r.seq = ?';
    const row = database.prepare(sql).get(seq);
    return { id: textIn(row, 'id'), sealed: Buffer.from(bytesIn(row, 'head')) };
  } finally {
    database.close();
  }
}

describe('a tail', () => {
  const tails: readonly (readonly [string, Buffer])[] = [
    ['of zeros', Buffer.alloc(4096)],
    ['of a frame of zeros', Buffer.alloc(FRAME)],
    ['of garbage', bytesOf(9000, 3)],
  ];
  test.each(tails)('%s behind WAL or database is no record', (_, tail) => {
    for (const [name, inWal] of [
      ['spool.db-wal', true],
      ['spool.db', false],
    ] as const) {
      const from = sample(inWal);
      const damages = new Damages(from);
      damages.look(name, withFile(from.image, name, Buffer.concat([fileIn(from.image, name), tail])));
      expect(damages.problems).toEqual([]);
      expect(damages.missing.get(name)).toEqual([]);
    }
  });

  test.each(tails)('%s behind a body file makes that record quarantined', (_, tail) => {
    const from = sample(false);
    const damages = new Damages(from);
    const name = bodyIn(from.image);
    damages.look(name, withFile(from.image, name, Buffer.concat([fileIn(from.image, name), tail])));
    expect(damages.problems).toEqual([]);
    expect(damages.missing.get(name)).toHaveLength(1);
  });
});

describe('a file that is', () => {
  const kinds: readonly (readonly [string, (image: Image) => Image])[] = [
    ['a missing WAL', (image) => withFile(image, 'spool.db-wal', null)],
    ['an empty WAL', (image) => withFile(image, 'spool.db-wal', Buffer.alloc(0))],
    ['a WAL of zeros', (image) => withFile(image, 'spool.db-wal', Buffer.alloc(100_000))],
    ['a missing database', (image) => withFile(image, 'spool.db', null)],
    ['an empty database', (image) => withFile(image, 'spool.db', Buffer.alloc(0))],
    ['a database of zeros', (image) => withFile(image, 'spool.db', Buffer.alloc(100_000))],
    ['half a database', (image) => withFile(image, 'spool.db', fileIn(image, 'spool.db').subarray(0, 40_000))],
    ['a missing body', (image) => withFile(image, bodyIn(image), null)],
    ['an empty body', (image) => withFile(image, bodyIn(image), Buffer.alloc(0))],
  ];
  test.each(kinds)('%s never makes records up, and what is missing then is told', (_, damage) => {
    const from = sample(false);
    const damages = new Damages(from);
    damages.look('it', damage(from.image));
    expect(damages.problems).toEqual([]);
  });

  test('unknown to us is left alone', () => {
    const from = sample(false);
    const image = withFile(withFile(from.image, 'notes.txt', Buffer.from('a note')), 'bodies/other', Buffer.from('x'));
    const path = writeImage(image);
    const { wrong, missing } = lookInto(path, from.truth);
    expect([wrong, missing]).toEqual([[], []]);
    const spool = openSpool({ path, size: 8 << 20 });
    expect([...imageOf(spool).keys()]).toEqual(expect.arrayContaining(['notes.txt', 'bodies/other']));
  });
});

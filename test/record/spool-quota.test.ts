/** The quota is what really lies in the folder; released records make room, unreleased ones never go. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spool } from '../../src/record/spool.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import {
  bytesOf,
  captureOf,
  commitAll,
  inFile,
  MEBIBYTE,
  openSpool,
  sha256,
  thrownBy,
  writeFile,
} from './spool-fixtures.ts';

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

const group = (count: number, bodyBytes = 1000) => Array.from({ length: count }, () => captureOf(bytesOf(bodyBytes)));

/** Commits until something is refused; the ids that were kept and the reasons of the rest. */
function fill(spool: Spool, bodyBytes = 1000): { readonly kept: string[]; readonly why: string } {
  const kept: string[] = [];
  while (kept.length < 20_000) {
    let why = '';
    for (const outcome of spool.commit(group(100, bodyBytes))) {
      if ('why' in outcome) why = outcome.why;
      else kept.push(outcome.id);
    }
    if (why !== '') return { kept, why };
  }
  throw new Error('the spool never filled');
}

test('with the mirror keeping up, many times the quota passes and nothing is refused', () => {
  const size = 2 * MEBIBYTE;
  const spool = openSpool({ size });
  const captured = 6000;
  let largest = 0;
  for (let done = 0; done < captured; done += 100) {
    commitAll(spool, group(100));
    spool.markMirrored(spool.waiting(0, 100).map(({ seq }) => seq));
    if (done % 500 === 0) largest = Math.max(largest, bytesBelow(spool.folder));
  }
  expect(largest).toBeLessThanOrEqual(size);
  // The room is used: released records stay for browsing as long as they can.
  expect(largest).toBeGreaterThan(size / 2);
  expect(spool.list({ limit: 10_000 }).length).toBeGreaterThan(200);
  expect(spool.ledger()).toMatchObject({ captured, difference: 0, states: { held: captured } });
}, 60_000);

test('a full spool refuses with the reason, keeps what it has, and takes more once something is released', () => {
  const size = 2 * MEBIBYTE;
  const spool = openSpool({ size });
  const { kept, why } = fill(spool);
  expect(why).toContain('it is full');
  expect(why).toContain('spool.size');
  expect(bytesBelow(spool.folder)).toBeLessThanOrEqual(size);
  expect(kept.length).toBeGreaterThan(400);
  for (const id of kept) expect(spool.get(id)).not.toBeNull();
  expect(spool.ledger()).toMatchObject({ captured: kept.length, difference: 0 });

  const released = spool.waiting(0, 30).map(({ seq }) => seq);
  spool.markMirrored(released);
  const later = fill(spool);
  expect(later.kept.length).toBeGreaterThan(0);
  const left = new Set(spool.list({ limit: 100_000 }).map(({ seq }) => seq));
  expect(released.some((seq) => left.has(seq))).toBe(false);
  for (const id of kept.slice(30)) expect(spool.get(id)).not.toBeNull();
  expect(spool.ledger()).toMatchObject({ captured: kept.length + later.kept.length, difference: 0 });
});

test('what was mirrored without its body, parked or never to be mirrored does not make room', () => {
  const spool = openSpool({ size: MEBIBYTE });
  const { kept } = fill(spool);
  const seqs = spool.waiting(0, 100_000).map(({ seq }) => seq);
  spool.markMirroredWithoutBody(seqs.slice(0, 100));
  for (const seq of seqs.slice(100, 120)) spool.park(seq, 'refused');
  fill(spool, 5000);
  for (const id of kept) expect(spool.get(id)).not.toBeNull();
});

test('the longest released record goes first', () => {
  const spool = openSpool({ size: MEBIBYTE });
  const { kept } = fill(spool);
  const seqs = spool.waiting(0, 100_000).map(({ seq }) => seq);
  spool.markMirrored(seqs);
  commitAll(spool, group(100));
  const left = spool.list({ limit: 100_000, afterSeq: 0 }).map(({ seq }) => seq);
  const gone = kept.length + 100 - left.length;
  expect(gone).toBeGreaterThan(0);
  expect(left.slice(0, -100)).toEqual(seqs.slice(gone));
});

test('one record larger than the spool is refused, smaller ones beside it are kept', () => {
  const spool = openSpool({ size: MEBIBYTE });
  const huge = captureOf('', { errorReason: 'x'.repeat(2 * MEBIBYTE) });
  const small = captureOf('small');
  expect(spool.commit([huge, small])).toEqual([
    { id: huge.id, why: expect.stringContaining('full') },
    { id: small.id, seq: expect.any(Number), partial: false },
  ]);
});

test('files of live requests take at most half of the quota, and give it back', () => {
  const size = 4 * MEBIBYTE;
  const spool = openSpool({ size });
  const chunk = bytesOf(65_536);
  spool.openBody(1);
  spool.openBody(2);
  let written = 0;
  const error = thrownBy(() => {
    for (; written < 1000; written += 1) spool.writeBody(1, chunk);
  });
  expect(written * chunk.length).toBeGreaterThan(size / 2 - 2 * chunk.length);
  expect(written * chunk.length).toBeLessThanOrEqual(size / 2);
  expect(error).toMatchObject({ name: 'SpoolError', operation: 'copy', fault: 'quota' });
  expect(bytesBelow(spool.folder)).toBeLessThan(MEBIBYTE);
  for (let i = 0; i < 25; i += 1) spool.writeBody(2, chunk);
  expect(bytesBelow(join(spool.folder, 'bodies'))).toBeGreaterThan(1.5 * MEBIBYTE);
  const capture = captureOf('', { body: inFile(2, 25 * chunk.length) });
  expect(spool.commit([capture])).toMatchObject([{ partial: false }]);
});

test('released rows make room for bodies: the database gives its pages back to the folder', () => {
  const size = 4 * MEBIBYTE;
  const spool = openSpool({ size });
  const { kept } = fill(spool);
  spool.markMirrored(spool.waiting(0, 100_000).map(({ seq }) => seq));
  const body = bytesOf(1_800_000);
  writeFile(spool, 1, body);
  const capture = captureOf('', { body: inFile(1, body.length) });
  expect(spool.commit([capture])).toMatchObject([{ partial: false }]);
  expect(bytesBelow(spool.folder)).toBeLessThanOrEqual(size);
  const record = spool.get(capture.id);
  expect(record && sha256(spool.readBody(record))).toBe(sha256(body));
  expect(spool.ledger()).toMatchObject({ captured: kept.length + 1, difference: 0 });
});

test('released bodies make room for rows', () => {
  const size = 4 * MEBIBYTE;
  const spool = openSpool({ size });
  writeFile(spool, 1, bytesOf(1_900_000));
  const [seq = 0] = commitAll(spool, [captureOf('', { body: inFile(1, 1_900_000) })]);
  const { kept } = fill(spool);
  spool.markMirrored([seq]);
  expect(fill(spool).kept.length).toBeGreaterThan(kept.length / 2);
  expect(bytesBelow(spool.folder)).toBeLessThanOrEqual(size);
});

test('space comes back to the volume when records have gone', () => {
  const spool = openSpool({ size: 16 * MEBIBYTE, keep: 0 });
  commitAll(spool, group(3000));
  const full = bytesBelow(spool.folder);
  spool.markMirrored(spool.waiting(0, 100_000).map(({ seq }) => seq));
  while (spool.expire());
  for (let i = 0; i < 10; i += 1) spool.maintain();
  expect(bytesBelow(spool.folder)).toBeLessThan(full / 10);
  expect(spool.ledger()).toMatchObject({ captured: 3000, difference: 0 });
});

test('what others put into the folder counts too', () => {
  const path = temporaryFolder();
  const first = openSpool({ path, size: 2 * MEBIBYTE });
  writeFileSync(join(first.folder, 'spool.db.corrupt-earlier'), bytesOf(1_500_000));
  first.maintain();
  expect(first.stats().bytes).toBeGreaterThan(1_500_000);
  const { kept } = fill(first);
  expect(kept.length).toBeLessThan(200);
  expect(bytesBelow(first.folder)).toBeLessThanOrEqual(2 * MEBIBYTE);
  first.close();
  expect(openSpool({ path, size: 2 * MEBIBYTE }).warnings).toEqual([
    expect.stringContaining('spool.db.corrupt-earlier'),
  ]);
});

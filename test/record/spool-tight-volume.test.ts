/** A volume that has hardly more room than `spool.size`: what an old database takes there is not free for a fresh one. */
import { readdirSync, renameSync } from 'node:fs';
import type { Spool, SpoolOptions } from '../../src/record/spool.ts';
import { testWithVolume, Volume } from '../helpers/volume.ts';
import { bytesOf, captureOf, MEBIBYTE, openSpool } from './spool-fixtures.ts';

const SIZE = 16 * MEBIBYTE;
const VOLUME = 20 * MEBIBYTE;
const ROUNDS = 200;
const BODY = bytesOf(4_096);

/** Ids that were promised of so many captures of 4 KiB. */
function commitSome(spool: Spool, many: number): string[] {
  const captures = Array.from({ length: many }, () => captureOf(BODY));
  return spool.commit(captures).flatMap((outcome) => ('why' in outcome ? [] : [outcome.id]));
}

/** Kafka takes what waits; gives the ids. */
function mirrorSome(spool: Spool): string[] {
  const records = spool.waiting(0, 100);
  spool.markMirrored(records.map(({ seq }) => seq));
  return records.map(({ id }) => id);
}

/** Full of what is released, with some that is not: as a fault finds a spool that has run for a day. */
function fillAndFail(options: Partial<SpoolOptions>): string[] {
  const spool = openSpool(options);
  for (let round = 0; round < 45; round += 1) {
    commitSome(spool, 100);
    mirrorSome(spool);
  }
  const waiting = commitSome(spool, 300);
  expect(waiting).toHaveLength(300);
  spool.close();
  renameSync(spool.folder, `${spool.folder}.source-20260101t000000000z`);
  return waiting;
}

testWithVolume(
  'an old database, the load that goes on and a restart in the middle of it do not fill it for good',
  async () => {
    const { path } = new Volume(VOLUME);
    const options = { path, size: SIZE };
    const promised = new Set(fillAndFail(options));
    const mirrored = new Set<string>();
    let spool = openSpool(options);
    const isOld = (): boolean => readdirSync(path).some((name) => name.includes('source-'));
    for (let round = 0; round < ROUNDS && (isOld() || mirrored.size < promised.size); round += 1) {
      for (const id of commitSome(spool, round < 50 ? 100 : 0)) promised.add(id);
      const step = spool.moveSome();
      // Kafka is away at first, until nothing more fits.
      if (round > 20) for (const id of mirrorSome(spool)) mirrored.add(id);
      spool.maintain();
      if (round % 25 === 10) {
        spool.close();
        spool = openSpool(options);
      }
      expect([round, step, spool.fault]).toEqual([round, expect.any(String), null]);
    }
    expect(isOld()).toBe(false);
    expect([...promised].filter((id) => !mirrored.has(id))).toEqual([]);
    expect(commitSome(spool, 100)).toHaveLength(100);
    expect(spool.verify().agrees).toBe(true);
  },
  60_000,
);

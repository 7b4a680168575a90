/** AES-GCM gives everything away when a nonce is used twice under one key: what must never come again. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SpoolCommit } from '../../src/record/spool-commit.ts';
import { openParts } from '../../src/record/spool-open.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { captureOf, commitAll, MEBIBYTE, openSpool, seqOf } from './spool-fixtures.ts';

test('a sequence number that sealed something is not given again when its transaction was rolled back', () => {
  const limits = { limitBytes: 64 * MEBIBYTE, mirror: true };
  const options = {
    path: temporaryFolder(),
    size: limits.limitBytes,
    keep: 0,
    keyFile: '',
    podName: 'p',
    mirror: true,
  };
  const parts = openParts(options);
  cleanUp(() => parts.database.close());
  const commits = new SpoolCommit(parts, limits);
  const sealed: number[] = [];
  const { sealHead } = parts.seals;
  parts.seals.sealHead = (seq, id, text) => {
    sealed.push(seq);
    return sealHead.call(parts.seals, seq, id, text);
  };
  const { setElapsed } = parts.rows;
  // The last statement of the transaction.
  parts.rows.setElapsed = () => {
    throw new Error('the disk is full');
  };
  const refused = commits.commit([captureOf('one'), captureOf('two')], () => undefined);
  expect(refused.map((outcome) => 'why' in outcome)).toEqual([true, true]);
  parts.rows.setElapsed = setElapsed;
  const kept = commits.commit([captureOf('three')], () => undefined).map(seqOf);
  expect(sealed).toHaveLength(3);
  expect(new Set(sealed).size).toBe(3);
  expect(kept).toEqual([sealed.at(-1)]);
});

test('the same record in two spools with one key is never the same bytes', () => {
  const folder = temporaryFolder();
  const maker = openSpool({ path: join(folder, 'maker') });
  copyFileSync(join(maker.folder, 'key'), join(folder, 'key'));
  const id = '0199c3a1-0000-7000-8000-00000000abcd';
  const bodyIn = (name: string): Buffer => {
    const spool = openSpool({ path: join(folder, name), keyFile: join(folder, 'key') });
    expect(commitAll(spool, [captureOf('the same text, at the same sequence number', { id })])).toEqual([1]);
    spool.close();
    const database = new DatabaseSync(join(spool.folder, 'spool.db'), { readOnly: true });
    const { body } = database.prepare('SELECT body FROM payloads WHERE seq = 1').get() ?? {};
    database.close();
    return Buffer.from(body as Uint8Array);
  };
  const [one, two] = [bodyIn('one'), bodyIn('two')];
  expect(one).toHaveLength(two.length);
  expect(one.equals(two)).toBe(false);
});

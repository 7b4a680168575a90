import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { volumeKind } from '../../src/record/spool-volume.ts';
import { openSpool, thrownBy } from './spool-fixtures.ts';

/** linux/magic.h */
const TMPFS = 0x01021994;

test('memory is told from a disk, and warned of', () => {
  if (!existsSync('/dev/shm') || statfsSync('/dev/shm').type !== TMPFS) return;
  expect(volumeKind('/dev/shm')).toEqual({ kind: 'tmpfs', warning: expect.stringContaining('/dev/shm is memory') });
});

test('an opened spool knows its volume', () => {
  const { volume, folder } = openSpool();
  expect(volume).toEqual(volumeKind(folder));
  expect(volume.kind).toMatch(/^[a-z0-9]+$/);
});

test('what is none of those known is unknown, and a path that is not there an error', () => {
  expect(volumeKind('/proc')).toEqual({ kind: 'unknown', warning: '' });
  expect(thrownBy(() => volumeKind(`${tmpdir()}/not-there`))).toMatchObject({ name: 'SpoolError', fault: 'access' });
});

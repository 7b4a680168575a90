/** One body file by itself: without the row that tells its length. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sealer } from '../../src/record/seal.ts';
import { BodyWriter, newBodyName, readBodyFile, sealedBytes } from '../../src/record/spool-body-file.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { bytesOf, sha256, thrownBy } from './spool-fixtures.ts';

const sealer = new Sealer([bytesOf(32, 1)]);
const HEAD = 16;
const FRAME = 4 + 30_000 + 16;

function written(bytes: Uint8Array): { readonly path: string; readonly name: string; readonly writer: BodyWriter } {
  const name = newBodyName();
  const path = join(temporaryFolder(), name);
  const writer = new BodyWriter(path, name, sealer);
  for (let at = 0; at < bytes.length; at += 30_000) writer.write(bytes.subarray(at, at + 30_000));
  writer.finish();
  return { path, name, writer };
}

const read = (path: string, name: string, keys = sealer) => Buffer.concat([...readBodyFile(path, name, keys)]);

test('what was written is read, and its sizes are known', () => {
  const bytes = bytesOf(100_000);
  const { path, name, writer } = written(bytes);
  expect(sha256(read(path, name))).toBe(sha256(bytes));
  expect(writer.bytes).toBe(bytes.length);
  expect(writer.fileBytes).toBe(readFileSync(path).length);
  expect(writer.fileBytes).toBeLessThanOrEqual(sealedBytes(bytes.length) + HEAD);
});

test('a frame that is only called the last one is not: neither cut off behind it nor with the rest', () => {
  const { path, name } = written(bytesOf(90_000));
  const bytes = readFileSync(path);
  bytes.writeUInt32BE(0x8000_0000 + bytes.readUInt32BE(HEAD + FRAME), HEAD + FRAME);
  for (const end of [HEAD + 2 * FRAME, bytes.length]) {
    writeFileSync(path, bytes.subarray(0, end));
    expect(thrownBy(() => read(path, name))).toMatchObject({ fault: 'corrupt' });
  }
});

test('it opens only with its key and under its name', () => {
  const { path, name } = written(bytesOf(1000));
  expect(thrownBy(() => read(path, name, new Sealer([bytesOf(32, 2)])))).toMatchObject({ fault: 'key' });
  expect(thrownBy(() => read(path, newBodyName()))).toMatchObject({ fault: 'corrupt' });
  expect(read(path, name, new Sealer([bytesOf(32, 2), bytesOf(32, 1)]))).toHaveLength(1000);
});

test('a file that is there already is not written over', () => {
  const { path, name } = written(bytesOf(10));
  expect(thrownBy(() => new BodyWriter(path, name, sealer))).toMatchObject({ code: 'EEXIST' });
  expect(read(path, name)).toHaveLength(10);
});

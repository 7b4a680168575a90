/** The process is killed in the middle of commits; what it had acknowledged must be there. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from '../helpers/child.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
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

const CHILD = join(import.meta.dirname, 'spool-child.ts');

async function startCommitting(path: string, size: number, mode = '') {
  const child = startChild(process.execPath, [CHILD, path, String(size), mode], { env: process.env });
  cleanUp(() => void child.process.kill('SIGKILL'));
  await waitFor(() => child.stdout.length > 0 || child.exit !== null, { what: 'the child to open its spool' });
  return child;
}

async function waitForLines({ stdout, stderr, exited }: Child, lines: number): Promise<void> {
  const ended = exited.then(({ code }) => Promise.reject(new Error(`it ended with ${code}: ${stderr.join(' ')}`)));
  await Promise.race([waitFor(() => stdout.length > lines, { what: 'some commits', timeoutMs: 25_000 }), ended]);
}

test('after kill -9 every acknowledged record is there, whole, over many rounds on one folder', async () => {
  const path = temporaryFolder();
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < 6; round += 1) {
    const child = await startCommitting(path, 512 * MEBIBYTE);
    await waitForLines(child, 30 + round * 15);
    child.process.kill('SIGKILL');
    await child.exited;
    expect(child.stderr).toEqual([]);
    for (const line of child.stdout) {
      const [id = '', sha] = line.split(' ');
      if (sha !== undefined && sha.length === 64) acknowledged.set(id, sha);
    }
    const spool = openSpool({ path, size: 512 * MEBIBYTE });
    for (const [id, sha] of acknowledged) {
      const record = spool.get(id);
      expect([id, record === null ? 'lost' : sha256(spool.readBody(record))]).toEqual([id, sha]);
    }
    const { captured, difference } = spool.ledger();
    expect(difference).toBe(0);
    expect(captured).toBeGreaterThanOrEqual(acknowledged.size);
    // Nothing that was invented: each record carries the hash of its own body.
    for (const record of spool.list({ limit: 10_000 }))
      expect(sha256(spool.readBody(record))).toBe(record.head.errorReason);
    spool.close();
  }
  expect(acknowledged.size).toBeGreaterThan(200);
}, 60_000);

test('after kill -9 while room is made, no record names a body that is gone', async () => {
  const path = temporaryFolder();
  for (let round = 0; round < 4; round += 1) {
    const child = await startCommitting(path, 8 * MEBIBYTE, 'mirror');
    await waitForLines(child, 300);
    child.process.kill('SIGKILL');
    await child.exited;
    const spool = openSpool({ path, size: 8 * MEBIBYTE });
    for (const record of spool.list({ limit: 10_000 }))
      expect(sha256(spool.readBody(record))).toBe(record.head.errorReason);
    expect(spool.ledger().difference).toBe(0);
    spool.close();
  }
}, 60_000);

test('a second process is refused the folder, and gets it when the first is killed', async () => {
  const path = temporaryFolder();
  const child = await startCommitting(path, 512 * MEBIBYTE);
  expect(thrownBy(() => openSpool({ path }))).toMatchObject({ name: 'SpoolError', operation: 'open', fault: 'locked' });
  expect(child.exit).toBeNull();
  child.process.kill('SIGKILL');
  await child.exited;
  expect(openSpool({ path }).ledger().difference).toBe(0);
}, 60_000);

test('a second opener in the same process is refused, and does not take the lock from the first', async () => {
  const path = temporaryFolder();
  const spool = openSpool({ path });
  expect(thrownBy(() => openSpool({ path }))).toMatchObject({
    fault: 'locked',
    message: expect.stringContaining('spool.path'),
  });
  const child = startChild(process.execPath, [CHILD, path, String(MEBIBYTE)], { env: process.env });
  expect((await child.exited).code).not.toBe(0);
  expect(child.stderr.join('\n')).toContain('locked');
  commitAll(spool, [captureOf('still mine')]);
}, 30_000);

test('body files that no record names are removed when the spool is opened, others are not', () => {
  const path = temporaryFolder();
  const first = openSpool({ path });
  writeFile(first, 1, bytesOf(100_000));
  commitAll(first, [captureOf('', { body: inFile(1, 100_000) })]);
  first.close();
  const bodies = join(first.folder, 'bodies');
  const kept = readdirSync(bodies);
  writeFileSync(join(bodies, '0123456789abcdef0123456789abcdef'), 'left by a crash');
  writeFileSync(join(bodies, 'not-ours.txt'), 'something else');
  openSpool({ path });
  expect(readdirSync(bodies).sort()).toEqual([...kept, 'not-ours.txt'].sort());
});

test('files of live requests go when the spool is closed', () => {
  const spool = openSpool();
  writeFile(spool, 1, bytesOf(100_000));
  spool.close();
  expect(readdirSync(join(spool.folder, 'bodies'))).toEqual([]);
});

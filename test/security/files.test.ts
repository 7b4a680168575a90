/** S10: what is on the disk is for its owner alone, and a name that somebody planted there leads nowhere. */
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { captureOf, commitAll, inFile, openSpool, writeFile } from '../record/spool-fixtures.ts';

test.each(['spool.db', 'spool.db-wal', 'spool.db-shm', 'bodies', 'key', 'count', 'reserve'])(
  'S10 a link that is planted as %s changes nothing behind it',
  (name) => {
    const [path, elsewhere] = [temporaryFolder(), temporaryFolder()];
    mkdirSync(join(path, 'pod-1'), { mode: 0o700 });
    const victim = join(elsewhere, 'victim');
    // An empty file is one that a database would be made of.
    const before = name.startsWith('spool.db') ? '' : 'precious';
    if (name === 'bodies') mkdirSync(victim);
    else writeFileSync(victim, before);
    symlinkSync(victim, join(path, 'pod-1', name));
    try {
      const spool = openSpool({ path });
      writeFile(spool, 1, Buffer.alloc(100_000));
      commitAll(spool, [captureOf('a'), captureOf('', { body: inFile(1, 100_000) })]);
      spool.close();
    } catch {
      // Refusing to start there is right, too.
    }
    if (name === 'bodies') expect(readdirSync(victim)).toEqual([]);
    else expect(readFileSync(victim, 'utf8')).toBe(before);
  },
);

test('S10 a link in the place of a body file is not written through', () => {
  const [path, elsewhere] = [temporaryFolder(), temporaryFolder()];
  const probe = openSpool({ path: temporaryFolder() });
  writeFile(probe, 1, Buffer.alloc(100_000));
  const [name = ''] = readdirSync(join(probe.folder, 'bodies'));
  const spool = openSpool({ path });
  const victim = join(elsewhere, 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, join(spool.folder, 'bodies', name));
  try {
    writeFile(spool, 1, Buffer.alloc(100_000));
  } catch {
    // Refused.
  }
  expect(readFileSync(victim, 'utf8')).toBe('precious');
});

describe('a process', () => {
  let outrider: Outrider;

  beforeAll(async () => {
    const target = `http://127.0.0.1:${await closedPort()}`;
    outrider = await startOutrider({ routes: { targets: { prod: target }, default: 'prod' }, shared: true });
    await fetch(`${outrider.url}/`, { method: 'POST', body: 'x'.repeat(100_000) });
  });

  test('S10 leaves no file or folder that others may read', () => {
    const entries = readdirSync(outrider.spoolDir, { recursive: true, withFileTypes: true });
    const modes = entries.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return { file, mode: (statSync(file).mode & 0o777).toString(8), folder: entry.isDirectory() };
    });
    expect(modes.length).toBeGreaterThan(4);
    expect(modes.filter(({ mode, folder }) => mode !== (folder ? '700' : '600'))).toEqual([]);
  });

  test.each([
    '../../../../etc/passwd',
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f%2e%2e%2fkey',
    '..%5c..%5ckey',
    'key',
    'spool.db',
    '%00',
    '0199c3a1-0000-7000-8000-000000000000%00.json',
    '0199c3a1-0000-7000-8000-000000000000/../key',
    '0199c3a1-0000-7000-8000-000000000000%2f..%2fkey',
    "' OR 1=1 --",
    '%',
    '__proto__',
    'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa',
  ])('S10 the id %s is none: 4xx, and nothing of the disk', async (id) => {
    // Byte by byte as it stands here: fetch would take dot segments away.
    const { port, host } = new URL(outrider.adminUrl);
    const bytes = `GET /api/records/${id.replaceAll(' ', '+')} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const { responses } = await sendRaw(Number(port), bytes, { responses: 1, host: '127.0.0.1' });
    expect([400, 404]).toContain(responses[0]?.status);
    expect(responses[0]?.body.toString()).not.toMatch(/root:|SQLite|node:|\/src\//);
  });

  test('S10 a record id is no path of the data port either', async () => {
    const answer = await fetch(`${outrider.url}/api/records/..%2f..%2fkey`);
    expect(answer.status).toBe(502);
  });
});

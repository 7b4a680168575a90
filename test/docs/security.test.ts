/** The table of SECURITY.md names tests that are there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const [, table = ''] = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').split('\n## Shown by\n');

const rows = [...table.matchAll(/^\| ([^|]+) \| (`.+) \|$/gm)].map(([, promise = '', cell = '']) => ({
  promise,
  tests: cell.split('<br>').map((entry) => {
    const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(entry) ?? [];
    return { entry, file, title };
  }),
}));

test('every promise has its row, and every row names a file and a title', () => {
  expect(rows.length).toBeGreaterThan(25);
  const unread = rows.flatMap(({ tests }) => tests.filter(({ file, title }) => file === '' || title === ''));
  expect(unread.map(({ entry }) => entry)).toEqual([]);
});

test.each(rows)('the tests of "$promise" are there', ({ tests }) => {
  const missing = tests.filter(({ file, title }) => {
    return !readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'").includes(title);
  });
  expect(missing).toEqual([]);
});

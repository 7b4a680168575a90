/** The table of SECURITY.md names tests that are there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** Callbacks, which are not in this version. */
const WITHOUT_TEST = ['S15'];

const rows = [...readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').matchAll(/^\| (S\d\d) \| [^|]+ \| (.+) \|$/gm)].map(
  ([, name = '', cell = '']) => ({
    name,
    tests: cell.split('<br>').flatMap((entry) => {
      const [, file, title] = /^`([^`]+)`: (.+)$/.exec(entry) ?? [];
      return file === undefined || title === undefined ? [] : [{ file, title }];
    }),
  }),
);

test('every case has its row, and all but those of later versions a test', () => {
  expect(rows.map(({ name }) => name)).toEqual(
    Array.from({ length: 17 }, (_, n) => `S${String(n + 1).padStart(2, '0')}`),
  );
  expect(rows.filter(({ tests }) => tests.length === 0).map(({ name }) => name)).toEqual(WITHOUT_TEST);
});

test.each(rows.filter(({ tests }) => tests.length > 0))('the tests that $name names are there', ({ tests }) => {
  const missing = tests.filter(({ file, title }) => {
    return !readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'").includes(title);
  });
  expect(missing).toEqual([]);
});

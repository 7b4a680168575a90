/** The table of cases names tests that are there: a renamed one must not leave a promise without its proof. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const CASES = [...numbered('D', 24), ...numbered('C', 12)];
/** Redelivery, which is not in this version. */
const WITHOUT_TEST = ['D22'];

interface Row {
  readonly name: string;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${letter}${String(n + 1).padStart(2, '0')}`);
}

/** Rows of the table, wherever in the pages about guarantees it stands. */
function rowsIn(pages: string): Row[] {
  return [...pages.matchAll(/^\| ([DC]\d\d) \| [^|]+ \| (.+) \|$/gm)].map(([, name = '', cell = '']) => ({
    name,
    tests: cell.split('<br>').flatMap((entry) => {
      const [, file, title] = /^`([^`]+)`: (.+)$/.exec(entry) ?? [];
      return file === undefined || title === undefined ? [] : [{ file, title }];
    }),
  }));
}

const pages = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.startsWith('guarantees'))
  .map((name) => readFileSync(join(ROOT, 'docs', name), 'utf8'))
  .join('\n');
const rows = rowsIn(pages);

test('every case has its row, and all but those of later versions a test', () => {
  expect(rows.map(({ name }) => name)).toEqual(CASES);
  expect(rows.filter(({ tests }) => tests.length === 0).map(({ name }) => name)).toEqual(WITHOUT_TEST);
});

test.each(rows.filter(({ tests }) => tests.length > 0))('the tests that $name names are there', ({ tests }) => {
  const missing = tests.filter(({ file, title }) => {
    const source = readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'");
    return !source.includes(title);
  });
  expect(missing).toEqual([]);
});

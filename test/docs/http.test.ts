/** What docs/http.md promises names tests that are there, and every case of HTTP has one that carries its id. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/http.md'), 'utf8');

interface Row {
  readonly section: string;
  readonly asks: string;
  readonly file: string;
  readonly title: string;
}

const rows: Row[] = [...page.matchAll(/^\| (911[02] [\d.]+) \| ([^|]+) \| `([^`]+)`: (.+) \|$/gm)].map(
  ([, section = '', asks = '', file = '', title = '']) => ({ section, asks, file, title }),
);

test('the table of what the RFCs ask is there', () => {
  expect(rows.length).toBeGreaterThan(45);
});

test.each(rows)('$section, $asks: its test is there', ({ file, title }) => {
  const source = readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'");
  expect(source).toContain(title);
});

/** Signatures of callbacks, which are not in this version. */
const WITHOUT_TEST = ['S15'];
const CASES = join(ROOT, '../shared/cases.md');

const cases = [...page.matchAll(/^\| ([FHBLUWS]\d\d) \| [^|]+ \| (.+) \|$/gm)].map(([, id = '', cell = '']) => ({
  id,
  files: [...cell.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
}));

/** Of each line that is no comment, what stands in quotes: titles, and the names of a table of cases. */
function hasTitleWith(file: string, id: string): boolean {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  const title = new RegExp(`['\`"(][^'\`"\\n]*\\b${id}\\b`);
  return lines.some((line) => !/^\s*(?:\/\/|\/?\*)/.test(line) && title.test(line));
}

test('every case has one row, in order, and all but those of later versions a test', () => {
  expect(cases.length).toBeGreaterThan(120);
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  expect(cases.filter(({ files }) => files.length === 0).map(({ id }) => id)).toEqual(WITHOUT_TEST);
});

const withShared = existsSync(CASES) ? test : test.skip;
if (!existsSync(CASES)) process.stderr.write('docs: ../shared/cases.md is not there, its list is not compared\n');

withShared('the rows are those of the list of cases', () => {
  const listed = [...readFileSync(CASES, 'utf8').matchAll(/^\| ([FHBLUWS]\d\d) \|/gm)].map(([, id]) => id);
  expect(cases.map(({ id }) => id)).toEqual(listed);
});

test.each(cases.filter(({ files }) => files.length > 0))('$id has a title in each file of its row', ({ id, files }) => {
  expect(files.filter((file) => !hasTitleWith(file, id))).toEqual([]);
});

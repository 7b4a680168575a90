/** What docs/http.md promises names tests that are there, and every case of HTTP has one that carries its id. */
import { readdirSync, readFileSync } from 'node:fs';
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

const sources = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(ROOT, 'test', name), 'utf8'))
  .join('\n');

const ids = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${letter}${String(n + 1).padStart(2, '0')}`);

test.each([...ids('F', 31), ...ids('H', 18), ...ids('L', 14)])('%s has a test that carries its id', (id) => {
  const titles = sources.match(new RegExp(`['\`(][^'\`\\n]*\\b${id}\\b`)) ?? [];
  expect(titles.length).toBeGreaterThan(0);
});

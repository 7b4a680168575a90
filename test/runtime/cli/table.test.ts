import { formatTable, printable } from '../../../src/runtime/cli/table.ts';

describe('formatTable', () => {
  test('makes columns as wide as their widest cell, without trailing spaces', () => {
    expect(
      formatTable([
        ['ID', 'STATE', 'X'],
        ['123', 'held', ''],
        ['4', 'delivered', 'y'],
      ]),
    ).toEqual(['ID   STATE      X', '123  held', '4    delivered  y']);
  });

  test('gives nothing for no rows', () => {
    expect(formatTable([])).toEqual([]);
  });
});

describe('printable', () => {
  test.each([
    ['a terminal escape', 'a\u001b[2Jb', 'a\\x1b[2Jb'],
    ['a forged line', 'a\r\nb', 'a\\x0d\\x0ab'],
    ['an 8-bit control', 'a\u009bb', 'a\\x9bb'],
    ['text that runs backwards', 'a\u202eb', 'a\\u202eb'],
    ['what people write', 'Zürich 東京 ✓', 'Zürich 東京 ✓'],
  ])('shows %s as text', (_what, text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});

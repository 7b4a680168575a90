import { parseYaml } from '../../../src/runtime/config/parse-yaml.ts';
import { mistakesOf } from './config-files.ts';

const parse = (text: string | Uint8Array) => parseYaml(text, 'x.yaml');

/** What a refusal costs: milliseconds and bytes of heap; the best of three, since the machine has other work too. */
function costOf(run: () => void): { ms: number; heap: number } {
  const costs = [1, 2, 3].map(() => {
    const heap = process.memoryUsage().heapUsed;
    const start = performance.now();
    run();
    return { ms: performance.now() - start, heap: process.memoryUsage().heapUsed - heap };
  });
  return { ms: Math.min(...costs.map(({ ms }) => ms)), heap: Math.min(...costs.map(({ heap }) => heap)) };
}

describe('values', () => {
  test('on, off, yes, no and y are texts', () => {
    expect(parse('a: [on, off, yes, no, y, n, true, null, 1, "1"]').value).toEqual({
      a: ['on', 'off', 'yes', 'no', 'y', 'n', true, null, 1, '1'],
    });
  });

  test('a byte order mark is passed over and moves no place', () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, ...new TextEncoder().encode('a: 1')]);
    expect(parse(bytes).value).toEqual({ a: 1 });
    expect(parse('\uFEFFa: 1').placeOf(['a'])).toEqual({ line: 1, column: 4 });
  });

  test('a file of comments has no value', () => {
    expect(parse('# nothing\n').value).toBeUndefined();
    expect(parse('').value).toBeUndefined();
    expect(parse('---\n').value).toBeUndefined();
  });

  test('constructor and toString are keys like any other', () => {
    expect(Object.entries(parse('constructor: 1\ntoString: 2').value ?? {})).toEqual([
      ['constructor', 1],
      ['toString', 2],
    ]);
  });

  test('!!str makes a text of a number', () => {
    expect(parse('a: !!str 2').value).toEqual({ a: '2' });
  });
});

describe('places', () => {
  const file = parse('a:\n  b: [x, "y"]\n  "c d": |\n    text\nf:\n');

  test('a value and its key have their own places', () => {
    expect(file.placeOf(['a', 'b', 1])).toEqual({ line: 2, column: 10 });
    expect(file.placeOf(['a', 'b'], 'key')).toEqual({ line: 2, column: 3 });
    expect(file.placeOf(['a', 'c d'], 'key')).toEqual({ line: 3, column: 3 });
  });

  test('an empty value has the place of its key', () => {
    expect(file.placeOf(['f'])).toEqual({ line: 5, column: 1 });
  });

  test('what is missing has the place of what should hold it', () => {
    expect(file.placeOf(['a', 'nope', 'deeper'])).toEqual({ line: 1, column: 1 });
  });

  test('a scalar is told as it stands in the file', () => {
    const scalars = parse('a: 1.0\nb: "yes"');
    expect(scalars.scalarAt(['a'])).toEqual({ text: '1.0', plain: true });
    expect(scalars.scalarAt(['b'])).toEqual({ text: 'yes', plain: false });
    expect(scalars.scalarAt(['c'])).toBeNull();
  });
});

describe('refused, with the place', () => {
  test.each([
    ['a key that is given twice', 'a: 1\n"a": 2', 'x.yaml:2:1: the key "a" is given twice'],
    ['a nested key that is given twice', 'a: {b: 1, b: 2}', 'x.yaml:1:11: the key "b" is given twice'],
    ['a merge key', 'a: 1\n<<: {b: 1}', 'x.yaml:2:1: merge keys (<<) are not read: write the keys out'],
    ['__proto__', 'a: {__proto__: {b: 1}}', 'x.yaml:1:5: the key "__proto__" is not allowed'],
    ['a function', 'a: !!js/function "x"', 'x.yaml:1:4: the tag !!js/function is not allowed: quote the value instead'],
    ['a tag of its own', 'a: !mine x', 'x.yaml:1:4: the tag !mine is not allowed: quote the value instead'],
    ['a second document', 'a: 1\n---\nb: 2', 'x.yaml:1:4: one document only: a second one starts after ---'],
    ['a key that is a list', '[a]: 1', 'x.yaml:1:1: a key must be a name, not a list or a mapping'],
    ['a tab in the indentation', 'a:\n\tb: 1', /^x\.yaml:2:1: not valid YAML: tab/],
    ['an open bracket', 'a: [1\nb: 2', /^x\.yaml:2:1: not valid YAML: /],
    ['a control character', 'a: \u0007', /^x\.yaml:1:4: not valid YAML: /],
  ])('%s', (_, text, expected) => {
    expect(mistakesOf(() => parse(text))[0]).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    );
  });

  test('an anchor and its alias, each where it stands', () => {
    const message = 'anchors and aliases (&name, *name) are not read: write the value out';
    expect(mistakesOf(() => parse('a: &x 1\nb: *x'))).toEqual([`x.yaml:1:4: ${message}`, `x.yaml:2:4: ${message}`]);
  });

  test('several mistakes at once', () => {
    expect(mistakesOf(() => parse('a: 1\na: 2\nb: !x 1\n<<: 1'))).toHaveLength(3);
  });

  test('bytes that are not UTF-8, at their place', () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('a: 1\nb: '), 0xe9, 0x0a]);
    expect(mistakesOf(() => parse(bytes))).toEqual(['x.yaml:2:4: the file is not UTF-8 here: save it as UTF-8']);
  });

  test('UTF-16', () => {
    expect(mistakesOf(() => parse(Buffer.from('\uFEFFa: 1', 'utf16le')))).toEqual([
      'x.yaml:1:1: the file is UTF-16: save it as UTF-8',
    ]);
  });

  test('a file over 8 MiB', () => {
    expect(mistakesOf(() => parse(new Uint8Array((8 << 20) + 1)))).toEqual([
      'x.yaml:1:1: the file is larger than 8 MiB',
    ]);
  });
});

describe('bombs are refused in under 100 ms and 64 MiB', () => {
  const billionLaughs = ['a: &a [x, x, x, x, x, x, x, x, x]']
    .concat([...'bcdefghij'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(', ')}]`))
    .join('\n');

  test.each([
    ['a billion laughs', billionLaughs, /anchors and aliases/],
    ['a million brackets', '['.repeat(1_000_000), /nested deeper than 32 levels/],
    ['a million braces', '{a: '.repeat(250_000), /nested deeper than 32 levels/],
    [
      'a thousand indented keys',
      Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      /deeper than 32/,
    ],
    ['ten thousand anchors', Array.from({ length: 10_000 }, (_, i) => `k${i}: &a${i} 1`).join('\n'), /anchors/],
  ])('%s', (_, text, expected) => {
    let mistakes: string[] = [];
    const { ms, heap } = costOf(() => {
      mistakes = mistakesOf(() => parse(text));
    });
    expect(mistakes[0]).toMatch(expected);
    expect(mistakes.length).toBeLessThanOrEqual(100);
    expect(ms).toBeLessThan(100);
    expect(heap).toBeLessThan(64 << 20);
  });
});

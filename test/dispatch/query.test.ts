import { decodeQueryPart, queryValue, visitQuery } from '../../src/dispatch/query.ts';

function pairs(uri: string): [string, string | null][] {
  const found: [string, string | null][] = [];
  visitQuery(uri, (name, value) => found.push([name, value]));
  return found;
}

test.each([
  ['/a', []],
  ['/a?', []],
  ['/a?b', [['b', '']]],
  ['/a?b=', [['b', '']]],
  ['/a?b=c=d', [['b', 'c=d']]],
  ['/a?=c', [['', 'c']]],
  ['/a?&&b=1&', [['b', '1']]],
  [
    '/a?b=1&b=2',
    [
      ['b', '1'],
      ['b', '2'],
    ],
  ],
  [
    '/a?b&c=d',
    [
      ['b', ''],
      ['c', 'd'],
    ],
  ],
  ['/a?b?c=d?e', [['b?c', 'd?e']]],
  ['/a?a+b=c%20d', [['a b', 'c d']]],
  ['/a?%61=%C3%A9', [['a', 'é']]],
  [
    '/a?a=%zz&b=1',
    [
      ['a', null],
      ['b', '1'],
    ],
  ],
  ['/a?%zz=1&b=1', [['b', '1']]],
])('%s holds %j', (uri, expected) => {
  expect(pairs(uri)).toEqual(expected);
});

test.each(['%', '%4', '%4g', '%g4', 'a%', '%u0041', '%ff', '%C3', '%C0%AE', '%ED%A0%80', '\xff', '%zz'])(
  '"%s" is malformed: no value, and nothing is thrown',
  (raw) => {
    expect(decodeQueryPart(raw)).toBeNull();
  },
);

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['%00', '\0'],
  ['%2B+', '+ '],
  ['%F0%9F%98%80', '😀'],
  ['\xc3\xa9', 'é'],
  ['%EF%BB%BFa', '\ufeffa'],
  ['%2525', '%25'],
])('"%s" is decoded once', (raw, expected) => {
  expect(decodeQueryPart(raw)).toBe(expected);
});

test('the first value of a key counts for templates, its name in any case', () => {
  expect(queryValue('/?A=1&a=2', 'a')).toBe('1');
  expect(queryValue('/?a=%zz&a=2', 'a')).toBeUndefined();
  expect(queryValue('/?b=1', 'a')).toBeUndefined();
  expect(queryValue('/', '__proto__')).toBeUndefined();
});

import { parseExposition } from './exposition.ts';

const good = [
  '# HELP a Some text.',
  '# TYPE a histogram',
  'a_bucket{x="1",le="1"} 1',
  'a_bucket{x="1",le="+Inf"} 2',
  'a_sum{x="1"} 3',
  'a_count{x="1"} 2',
  '',
].join('\n');

test('the reader takes what the format allows', () => {
  expect(parseExposition(good).get('a')?.samples).toHaveLength(4);
});

test.each([
  ['no line feed at the end', good.trimEnd()],
  ['a second HELP', good.replace('# TYPE', '# HELP a again\n# TYPE')],
  ['a second TYPE', good.replace('# TYPE a histogram', '# TYPE a histogram\n# TYPE a histogram')],
  ['TYPE before HELP', good.replace('# HELP a Some text.\n', '')],
  ['a sample of another group', `${good}b 1\n`],
  ['the same series twice', good.replace('a_sum', 'a_sum{x="1"} 3\na_sum')],
  ['a bad escape', good.replaceAll('x="1"', 'x="\\q"')],
  ['a bare quote', good.replaceAll('x="1"', 'x="""')],
  ['a label twice', good.replaceAll('x="1"', 'x="1",x="1"')],
  ['no value', good.replace('} 3', '}')],
  ['a value that is no number', good.replace('} 3', '} three')],
  ['falling buckets', good.replace('le="1"} 1', 'le="1"} 5')],
  ['a count beside its buckets', good.replace('a_count{x="1"} 2', 'a_count{x="1"} 3')],
  ['no sum', good.replace('a_sum{x="1"} 3\n', '')],
  ['no +Inf', good.replace('+Inf', '2')],
  ['bounds that do not rise', good.replace('le="1"', 'le="+Inf"')],
  ['a counter below 0', '# HELP c C.\n# TYPE c counter\nc -1\n'],
])('the reader refuses %s', (_, text) => {
  expect(text).not.toBe(good);
  expect(() => parseExposition(text)).toThrow();
});

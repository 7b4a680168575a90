import { compileGlob, isGlob, matchesGlob } from '../../src/dispatch/glob.ts';
import { randomFrom } from './fixtures.ts';

function matches(pattern: string, value: string): boolean {
  return matchesGlob(compileGlob(pattern), value);
}

test.each([
  ['acme-*', 'acme-1'],
  ['acme-*', 'acme-'],
  ['*', ''],
  ['*', 'anything'],
  ['**', 'x'],
  ['*-x', 'a-x'],
  ['a*b', 'ab'],
  ['a*b*c', 'a1b2b3c'],
  ['*a*', 'bab'],
  ['*/*', 'text/html'],
  ['a.c*', 'a.c'],
  ['*ab', 'aab'],
])('%s matches "%s"', (pattern, value) => {
  expect(matches(pattern, value)).toBe(true);
});

test.each([
  ['acme-*', 'acme'],
  ['acme-*', 'xacme-1'],
  ['*-x', 'a-xy'],
  ['ab*ba', 'aba'],
  ['a*b*b', 'ab'],
  ['a.c*', 'abc'],
  ['A*', 'abc'],
  ['*ab*ab', 'xab'],
])('%s does not match "%s"', (pattern, value) => {
  expect(matches(pattern, value)).toBe(false);
});

test('only a star makes a pattern', () => {
  expect(isGlob('a*')).toBe(true);
  expect(isGlob('a?[b].+')).toBe(false);
});

/** The definition: a star is nothing, or one character and the star again. */
function reference(pattern: string, value: string): boolean {
  if (pattern === '') return value === '';
  if (pattern[0] === '*')
    return reference(pattern.slice(1), value) || (value !== '' && reference(pattern, value.slice(1)));
  return pattern[0] === value[0] && reference(pattern.slice(1), value.slice(1));
}

test('20,000 random patterns agree with the definition', () => {
  const random = randomFrom(11);
  const word = (alphabet: string): string => {
    let text = '';
    for (let n = Math.floor(random() * 8); n > 0; n--) text += alphabet[Math.floor(random() * alphabet.length)];
    return text;
  };
  const wrong: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    const pattern = `${word('ab*')}*${word('ab*')}`;
    const value = word('ab');
    if (matches(pattern, value) !== reference(pattern, value)) wrong.push(`${pattern} ${value}`);
  }
  expect(wrong).toEqual([]);
});

test('a pattern that explodes under backtracking takes no longer than others', () => {
  // A backtracking matcher needs 2^30 steps and more for the first of these; this one is done before a millisecond.
  const started = performance.now();
  expect(matches(`${'a*'.repeat(30)}b`, 'a'.repeat(32_768))).toBe(false);
  expect(matches(`*${'a*'.repeat(5000)}b`, 'a'.repeat(32_768))).toBe(false);
  expect(matches(`*${'*'.repeat(5000)}b`, 'a'.repeat(32_768))).toBe(false);
  expect(performance.now() - started).toBeLessThan(2000);
});

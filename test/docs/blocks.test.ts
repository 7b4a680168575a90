import { missingLines, outputAfter, readBlocks } from './blocks.ts';

const markdown = [
  '# Title',
  '<!-- needs: cluster -->',
  '',
  '```sh',
  'kubectl get pods',
  '```',
  '1. Step:',
  '   ```sh',
  '   echo one \\',
  '     two',
  '   ```',
  '   ```text',
  '   one two',
  '   ```',
].join('\n');

test('blocks have their language, place and text without the indentation of a list', () => {
  const blocks = readBlocks(markdown);
  expect(blocks.map(({ language, line }) => [language, line])).toEqual([
    ['sh', 4],
    ['sh', 8],
    ['text', 12],
  ]);
  expect(blocks[1]?.text).toBe('echo one \\\n  two');
});

test('a comment before a block says what it needs, for that block alone', () => {
  expect(readBlocks(markdown).map(({ needs }) => needs)).toEqual(['cluster', '', '']);
});

test('the output of a command is the text block right after it', () => {
  const blocks = readBlocks(markdown);
  expect(blocks.slice(0, 2).map((block) => outputAfter(blocks, block))).toEqual(['', 'one two']);
});

test('a fence that is never closed is an error with its line', () => {
  expect(() => readBlocks('a\n```sh\nls\n')).toThrow('the block at line 2 is not closed');
});

test('expected lines have to come in order, with … for what differs each time', () => {
  expect(missingLines('a …\n…\nc', 'a 1 2\nb\nc')).toEqual([]);
  expect(missingLines('c\na …', 'a 1 2\nb\nc')).toEqual(['a …']);
  expect(missingLines('a.c', 'abc')).toEqual(['a.c']);
});

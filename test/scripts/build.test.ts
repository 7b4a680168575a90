import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../scripts/build.mjs';
import { makeTree, projectRoot, removeTrees, writeInTree } from './tree.ts';

afterEach(removeTrees);

/** Two entry points that share a file, as the process and its keeper thread do. */
const project = () =>
  makeTree({
    'package.json': '{"type": "module"}',
    'package-lock.json': '{}',
    'tsconfig.json': readFileSync(join(projectRoot, 'tsconfig.json'), 'utf8'),
    'src/outrider.ts':
      "import { two } from './deep/two.ts';\nexport const four: number = two.n + two.n;\nexport const late = () => import('./late.ts');\n",
    'src/runtime/keeper.ts': "import { two } from '../deep/two.ts';\nexport const same = two;\n",
    'src/deep/two.ts': 'export const two = { n: 2 };\n',
    'src/late.ts': "import { two } from './deep/two.ts';\nexport const twice = two;\n",
  });

/** What an expression prints in a module beside dist/. */
function evaluate(root: string, expression: string): string {
  const text = `import * as outrider from './dist/outrider.js'; import * as keeper from './dist/keeper.js'; console.log(${expression})`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    cwd: root,
    encoding: 'utf8',
  });
  return stdout.trim() || stderr;
}

const textOf = (root: string) =>
  readdirSync(join(root, 'dist'))
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(join(root, 'dist', name), 'utf8'))
    .join('\n');

test('the process and its thread are a file each; what they share, and what is imported late, is there once', () => {
  const root = project();
  expect(build(root)).toBe('built');
  expect(evaluate(root, 'outrider.four')).toBe('4');
  expect(evaluate(root, 'keeper.same === (await outrider.late()).twice')).toBe('true');
  expect(textOf(root).match(/n: ?2/g)).toHaveLength(1);
});

test('a source may make a `require` of its own', () => {
  const root = project();
  const text =
    "import { createRequire } from 'node:module';\nexport const twice = createRequire(import.meta.url)('node:os').EOL;\n";
  writeInTree(root, 'src/late.ts', text);
  build(root);
  expect(evaluate(root, 'JSON.stringify((await outrider.late()).twice)')).toBe('"\\n"');
});

test('nothing is bundled while the sources are the same, and everything after one changed', () => {
  const root = project();
  build(root);
  const before = statSync(join(root, 'dist')).ino;
  expect(build(root)).toBe('present');
  expect(statSync(join(root, 'dist')).ino).toBe(before);
  writeInTree(root, 'src/deep/two.ts', 'export const two = { n: 3 };\n');
  expect(build(root)).toBe('built');
  expect(evaluate(root, 'outrider.four')).toBe('6');
});

test('a file of an earlier dist is gone', () => {
  const root = project();
  writeInTree(root, 'dist/gone.js', '');
  build(root);
  expect(existsSync(join(root, 'dist/gone.js'))).toBe(false);
});

test.each([
  ['does not parse', 'export const four: = 4;\n', /src\/outrider\.ts:1:20: Unexpected "="/],
  ['imports what is not there', "export * from './nowhere.ts';\n", /src\/outrider\.ts:1:15: Could not resolve/],
])('a source that %s is an error with the place, and the last good dist stays', (_, text, message) => {
  const root = project();
  build(root);
  writeInTree(root, 'src/outrider.ts', text);
  expect(() => build(root)).toThrow(message);
  expect(evaluate(root, 'outrider.four')).toBe('4');
  expect(readdirSync(root).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
  expect(() => build(root)).toThrow();
});

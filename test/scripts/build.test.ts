import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../scripts/build.mjs';
import { makeTree, projectRoot, removeTrees, writeInTree } from './tree.ts';

afterEach(removeTrees);

const project = () =>
  makeTree({
    'package.json': '{"type": "module"}',
    'package-lock.json': '{}',
    'tsconfig.json': JSON.stringify({
      compilerOptions: { ...compilerOptions(), types: [], rootDir: 'src', outDir: 'dist' },
      include: ['src'],
    }),
    'src/a.ts': "import { two } from './deep/b.ts';\nexport const four: number = two + two;\n",
    'src/deep/b.ts': 'export const two = 2;\n',
  });

function compilerOptions(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(projectRoot, 'tsconfig.json'), 'utf8')).compilerOptions;
}

test('the compiled files import each other by their new names', () => {
  const root = project();
  expect(build(root)).toBe('built');
  const { stdout } = spawnSync(process.execPath, ['-p', `import('./dist/a.js').then((a) => console.log(a.four)), 0`], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stdout).toContain('4');
});

test('nothing is compiled while the sources are the same, and everything after one changed', () => {
  const root = project();
  build(root);
  const before = statSync(join(root, 'dist')).ino;
  expect(build(root)).toBe('present');
  expect(statSync(join(root, 'dist')).ino).toBe(before);
  writeInTree(root, 'src/deep/b.ts', 'export const two = 3;\n');
  expect(build(root)).toBe('built');
  expect(readFileSync(join(root, 'dist/deep/b.js'), 'utf8')).toContain('3');
});

test('a file that was removed is gone from dist', () => {
  const root = project();
  writeInTree(root, 'dist/gone.js', '');
  build(root);
  expect(existsSync(join(root, 'dist/gone.js'))).toBe(false);
});

test('sources that do not compile are an error with the place, and the last good dist stays', () => {
  const root = project();
  build(root);
  writeInTree(root, 'src/a.ts', "export const four: number = 'four';\n");
  expect(() => build(root)).toThrow(/do not compile:\nsrc\/a\.ts\(1,14\): error TS2322/);
  expect(readFileSync(join(root, 'dist/a.js'), 'utf8')).toContain('two + two');
  expect(readdirSync(root).filter((name) => name.startsWith('dist'))).toEqual(['dist']);
  expect(() => build(root)).toThrow();
});

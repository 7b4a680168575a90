import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureModules } from '../../scripts/ensure.mjs';
import { makeTree, removeTrees, writeInTree } from './tree.ts';

afterEach(removeTrees);

const lock = (version: string) =>
  JSON.stringify({
    packages: { '': { name: 'x' }, 'node_modules/a': { version }, 'node_modules/b': { version, optional: true } },
  });

/** Counts installations, each of which leaves what npm leaves. */
function makeInstaller(version = '1.0.0') {
  const installed: string[] = [];
  const install = (folder: string) => {
    installed.push(folder);
    writeInTree(folder, 'node_modules/.bin/node', '');
    writeInTree(folder, 'node_modules/.package-lock.json', lock(version));
  };
  return { installed, install };
}

test('a fresh clone is installed once', () => {
  const root = makeTree({ 'package-lock.json': lock('1.0.0') });
  const { installed, install } = makeInstaller();
  expect([ensureModules(root, install), ensureModules(root, install)]).toEqual(['installed', 'present']);
  expect(installed).toEqual([root]);
});

test('a changed lock file is installed again', () => {
  const root = makeTree({ 'package-lock.json': lock('1.0.0') });
  ensureModules(root, makeInstaller().install);
  writeInTree(root, 'package-lock.json', lock('1.0.1'));
  const { installed, install } = makeInstaller('1.0.1');
  expect(ensureModules(root, install)).toBe('installed');
  expect(installed).toHaveLength(1);
});

test('what npm installed by hand is kept when it is what the lock file names, optional packages aside', () => {
  const packages = { 'node_modules/a': { version: '1.0.0' } };
  const root = makeTree({
    'package-lock.json': lock('1.0.0'),
    'node_modules/.package-lock.json': JSON.stringify({ packages }),
    'node_modules/.bin/node': '',
  });
  const { installed, install } = makeInstaller();
  expect([ensureModules(root, install), ensureModules(root, install)]).toEqual(['adopted', 'present']);
  expect(installed).toEqual([]);
});

test('a package of another version, or none, is installed', () => {
  for (const packages of [{ 'node_modules/a': { version: '0.9.0' } }, {}]) {
    const root = makeTree({
      'package-lock.json': lock('1.0.0'),
      'node_modules/.package-lock.json': JSON.stringify({ packages }),
      'node_modules/.bin/node': '',
    });
    expect(ensureModules(root, makeInstaller().install)).toBe('installed');
  }
});

test('an installation that failed or broke off is done again', () => {
  const root = makeTree({ 'package-lock.json': lock('1.0.0') });
  const fail = () => {
    writeInTree(root, 'node_modules/.bin/node', '');
    throw new Error('no network');
  };
  expect(() => ensureModules(root, fail)).toThrow('no network');
  expect(ensureModules(root, makeInstaller().install)).toBe('installed');
  rmSync(join(root, 'node_modules/.bin/node'));
  rmSync(join(root, 'node_modules/.package-lock.json'));
  expect(ensureModules(root, makeInstaller().install)).toBe('installed');
  expect(existsSync(join(root, 'node_modules/.bin/node'))).toBe(true);
});

test('after an installation that broke off, going back to the old lock file installs that again', () => {
  const root = makeTree({ 'package-lock.json': lock('1.0.0') });
  ensureModules(root, makeInstaller().install);
  writeInTree(root, 'package-lock.json', lock('2.0.0'));
  const breakOff = () => {
    rmSync(join(root, 'node_modules/.package-lock.json'));
    throw new Error('no network');
  };
  expect(() => ensureModules(root, breakOff)).toThrow('no network');
  writeInTree(root, 'package-lock.json', lock('1.0.0'));
  expect(ensureModules(root, makeInstaller().install)).toBe('installed');
});

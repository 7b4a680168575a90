import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadLastGood, podIdentity, saveLastGood } from '../../../src/runtime/config/last-good.ts';
import { temporaryFolder } from '../../helpers/cleanup.ts';
import { loadProcess, loadRoutes } from './config-files.ts';

const { settings } = loadProcess('log: {level: debug}');
const other = loadProcess('log: {level: error}').settings;
const fileIn = (folder: string): string => join(folder, 'last-good.json');

test('the same pod gets the same settings back, marked as last good', () => {
  const folder = temporaryFolder();
  saveLastGood(folder, settings, 'pod-1');
  expect(loadLastGood(folder, 'pod-1')).toEqual({ ...settings, source: 'last good' });
});

test('another pod gets none', () => {
  const folder = temporaryFolder();
  saveLastGood(folder, settings, 'pod-1');
  expect(loadLastGood(folder, 'pod-2')).toBeNull();
});

test('without a uid, or with an empty one, the host name is the pod', () => {
  const folder = temporaryFolder();
  saveLastGood(folder, settings, '');
  expect(loadLastGood(folder)).not.toBeNull();
  expect(loadLastGood(folder, 'pod-1')).toBeNull();
  expect(readFileSync(fileIn(folder), 'utf8')).toContain('"pod":"host ');
});

test('a folder without one gives none', () => {
  expect(loadLastGood(temporaryFolder(), 'pod-1')).toBeNull();
});

test('only its owner can read it, whatever the umask', () => {
  const folder = temporaryFolder();
  const umask = process.umask(0);
  try {
    saveLastGood(folder, settings, 'pod-1');
  } finally {
    process.umask(umask);
  }
  expect(statSync(fileIn(folder)).mode & 0o777).toBe(0o600);
});

test('it is replaced as a whole, and nothing else is left in the folder', () => {
  const folder = temporaryFolder();
  saveLastGood(folder, settings, 'pod-1');
  chmodSync(fileIn(folder), 0o400);
  const inode = statSync(fileIn(folder)).ino;
  saveLastGood(folder, other, 'pod-1');
  expect(statSync(fileIn(folder)).ino).not.toBe(inode);
  expect(loadLastGood(folder, 'pod-1')?.process.log.level).toBe('error');
  expect(readdirSync(folder)).toEqual(['last-good.json']);
});

test('templates are kept as texts: no secret is in it', () => {
  const value = `Bearer $\{file:/var/run/secrets/outrider/token}`;
  const routes = `rules: [{name: a, target: qa, request: {headers: {set: {authorization: '${value}'}}}}]`;
  const folder = temporaryFolder();
  saveLastGood(folder, loadRoutes(routes).settings, 'pod-1');
  expect(loadLastGood(folder, 'pod-1')?.routes.rules[0]?.request.headers.set.authorization).toBe(value);
});

test.each([
  ['cut', (text: string) => text.slice(0, text.length / 2)],
  ['empty', () => ''],
  ['changed by hand', (text: string) => text.replace('"debug"', '"trace"')],
  ['of another format', (text: string) => text.replace('"format":1', '"format":2')],
  ['something else', () => '{"format":1}'],
  ['a list', () => '[]'],
])('a file that is %s is not used', (_, damage) => {
  const folder = temporaryFolder();
  saveLastGood(folder, settings, 'pod-1');
  writeFileSync(fileIn(folder), damage(readFileSync(fileIn(folder), 'utf8')));
  expect(loadLastGood(folder, 'pod-1')).toBeNull();
});

test('a link in its place is not followed', () => {
  const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
  saveLastGood(elsewhere, settings, 'pod-1');
  symlinkSync(fileIn(elsewhere), fileIn(folder));
  expect(loadLastGood(folder, 'pod-1')).toBeNull();
});

test('a folder that can not be written is an error, not a silence', () => {
  expect(() => saveLastGood(join(temporaryFolder(), 'nowhere'), settings, 'pod-1')).toThrow('ENOENT');
});

test('the pod is its uid, else its host name', () => {
  expect(podIdentity({ POD_UID: 'u-1' })).toBe('u-1');
  expect(podIdentity({})).toMatch(/^host ./);
  expect(podIdentity({ POD_UID: ' ' })).toBe(podIdentity({}));
});

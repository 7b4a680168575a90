import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAtLeast, isFixed, NODE, PACKAGES, RUNTIME } from './floors.ts';

const root = join(import.meta.dirname, '../..');
const packages: Readonly<Record<string, { version: string; dev?: boolean }>> = JSON.parse(
  readFileSync(join(root, 'package-lock.json'), 'utf8'),
).packages;

const copiesOf = (name: string): { path: string; version: string }[] =>
  Object.entries(packages)
    .filter(([path]) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))
    .map(([path, { version }]) => ({ path, version }));

test.each(PACKAGES)('S17 $name is at least $version ($advisory)', ({ name, version }) => {
  const floors = PACKAGES.filter((each) => each.name === name);
  expect(floors.map((each) => each.version)).toContain(version);
  expect(copiesOf(name).filter((copy) => !isFixed(copy.version, floors))).toEqual([]);
});

test.each(RUNTIME)('S17 the $name of this Node.js is at least $version ($advisory)', ({ name, version }) => {
  expect(isAtLeast(process.versions[name] ?? '0', version)).toBe(true);
});

test('S17 the Node.js that runs this has the fixes of its line', () => {
  const installed = copiesOf('node').map(({ version }) => version);
  expect(installed).toHaveLength(1);
  for (const version of [process.versions.node, ...installed]) {
    expect({ version, isFixed: isFixed(version, NODE) }).toEqual({ version, isFixed: true });
  }
});

test('S17 every floor is about something that is used', () => {
  expect(PACKAGES.filter(({ name }) => copiesOf(name).length === 0)).toEqual([]);
  expect(RUNTIME.filter(({ name }) => process.versions[name] === undefined)).toEqual([]);
});

test('S17 every direct dependency that is shipped is pinned to one version', () => {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  for (const [name, wanted] of Object.entries(dependencies)) {
    expect({ name, wanted: packages[`node_modules/${name}`]?.version }).toEqual({ name, wanted });
  }
});

test.each([
  ['26.3.0', false],
  ['26.10.0', true],
  ['24.16.9', false],
  ['24.17.0', true],
  ['25.9.0', false],
  ['22.99.0', false],
  ['28.0.0', true],
])('Node.js %s has the fixes: %s', (version, expected) => {
  expect(isFixed(version, NODE)).toBe(expected);
});

test.each([
  ['9.3.0', '9.3.0', true],
  ['9.10.0', '9.9.9', true],
  ['9.2.9', '9.3.0', false],
  ['10.0.0', '9.3.1', true],
  ['1.3', '1.3.1', false],
])('%s is at least %s: %s', (version, least, expected) => {
  expect(isAtLeast(version, least)).toBe(expected);
});

test('S17 package.json asks for a Node.js with those fixes', () => {
  const { engines }: { engines: { node: string } } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const versions = engines.node.split(' || ').map((range) => range.replace(/^(\^|>=)/, ''));
  expect(versions).toEqual(NODE.map(({ version }) => version));
});

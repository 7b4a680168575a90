import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argumentsOf, copiesOf, readDockerfile, type Stage } from '../../scripts/image/dockerfile.ts';
import { HEAP_FLAGS } from '../../src/runtime/cli/heap-flags.ts';
import { projectRoot } from './tree.ts';

const stages = readDockerfile();
const stage = (name: string): Stage => {
  const found = stages.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no stage ${name}`);
  return found;
};
const image = stage('');
const words = (text: string | undefined): string[] => JSON.parse(text ?? '');

test('the image starts from nothing, so there is no shell in it', () => {
  expect(image.base).toBe('scratch');
  expect(argumentsOf(image, 'RUN')).toEqual([]);
  expect(argumentsOf(image, 'SHELL')).toEqual([]);
});

test('no stage names a registry host', () => {
  const text = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8');
  expect(text).not.toMatch(/(FROM|=|syntax=)\s*[\w-]+(\.[\w-]+)+\//);
});

test('it runs Node.js itself as process 1, in exec form, and the ambassador when nothing else is said', () => {
  expect(words(argumentsOf(image, 'ENTRYPOINT')[0])).toEqual([
    '/usr/local/bin/node',
    ...HEAP_FLAGS,
    '/app/dist/outrider.js',
  ]);
  expect(words(argumentsOf(image, 'CMD')[0])).toEqual(['run']);
  expect(argumentsOf(image, 'STOPSIGNAL')).toEqual(['SIGTERM']);
});

test('its user is a number other than root, and owns the folder it works in', () => {
  expect(argumentsOf(image, 'USER')).toEqual(['10001:10001']);
  expect(argumentsOf(image, 'WORKDIR')).toEqual(['/var/lib/outrider']);
  const state = copiesOf(image).find(({ destination }) => destination === '/var/lib/');
  expect(state).toMatchObject({ from: 'rootfs', owner: '10001:0' });
});

test('it says its ports and what it is', () => {
  expect(argumentsOf(image, 'EXPOSE')).toEqual(['5000 5090 5091']);
  const labels = argumentsOf(image, 'LABEL').join(' ');
  for (const label of ['title', 'description', 'licenses', 'version', 'revision']) {
    expect(labels).toContain(`org.opencontainers.image.${label}=`);
  }
});

test('it has the packages that production needs and no other', () => {
  const modules = copiesOf(image).filter(({ destination }) => destination.includes('node_modules'));
  expect(modules.map(({ from }) => from)).toEqual(['modules']);
  expect(argumentsOf(stage('modules'), 'RUN')).toEqual([expect.stringMatching(/^npm ci --omit=dev --ignore-scripts/)]);
});

test('packages are installed before the sources are copied, so that an edit does not install them again', () => {
  const order = stage('build').instructions.map(({ name, text }) => `${name} ${text}`);
  const at = (start: string) => order.findIndex((line) => line.startsWith(start));
  expect(at('RUN npm ci')).toBeGreaterThan(at('COPY package.json'));
  expect(at('COPY src/')).toBeGreaterThan(at('RUN npm ci'));
});

test('what is copied from the context is there, and .dockerignore lets it through and nothing secret beside it', () => {
  const sources = stages
    .flatMap(copiesOf)
    .filter(({ from }) => from === '')
    .flatMap((copy) => copy.sources);
  const allowed = readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split('\n');
  const folders = sources.map((source) => source.split('/')[0] ?? '');
  for (const folder of folders) {
    expect(existsSync(join(projectRoot, folder))).toBe(true);
    expect(allowed).toContain(`!${folder}`);
  }
  expect(allowed).toContain('*');
  const letThrough = allowed.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  expect([...letThrough].sort()).toEqual([...new Set(folders)].sort());
});

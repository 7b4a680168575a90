/** What is generated from chart/values.yaml is what `npm run chart` writes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rowsOf, schemaOf, withValuesTable } from '../../scripts/chart-values.ts';
import { SIDECAR } from '../../src/runtime/kubernetes/sidecar.ts';
import { at, chartFolder, parseYaml } from '../helpers/helm.ts';

const read = (name: string) => readFileSync(join(chartFolder, name), 'utf8');
const values = read('values.yaml');

test('values.schema.json is that of values.yaml', () => {
  expect(JSON.parse(read('values.schema.json'))).toEqual(schemaOf(values));
});

test('the table of the README is that of values.yaml', () => {
  expect(read('README.md')).toBe(withValuesTable(read('README.md'), values));
});

test('every row has a default and a meaning, and no value is there twice', () => {
  const rows = rowsOf(values);
  expect(rows.filter(({ text, fallback }) => text === '' || fallback === '')).toEqual([]);
  expect(new Set(rows.map(({ path }) => path)).size).toBe(rows.length);
});

test('a value without a comment is an error that names it', () => {
  expect(() => rowsOf('a:\n  # -- text\n  b: 1\n  c: 2\n')).toThrow('chart/values.yaml: a.c has no comment');
});

test('a null without a type is an error that names it', () => {
  expect(() => schemaOf('# -- text\na: null\n')).toThrow('chart/values.yaml: a is null');
});

test('the defaults of the container are those of the one definition', () => {
  const defaults = parseYaml(values);
  expect(at(defaults, 'sidecar', 'securityContext')).toEqual(SIDECAR.securityContext);
  expect(at(defaults, 'ports')).toEqual(SIDECAR.ports);
  expect(at(defaults, 'image', 'repository')).toBe(SIDECAR.repository);
});

test('what is said about the defaults of the container is so', () => {
  const page = readFileSync(join(chartFolder, '../docs/kubernetes.md'), 'utf8').replace(/\s+/g, ' ');
  const { requests, limits } = SIDECAR.resources;
  const { requests: guaranteed } = SIDECAR.guaranteed;
  expect(page).toContain(
    `${requests.cpu} CPU and ${requests.memory} are requested, ${limits.memory} is the memory limit`,
  );
  expect(page).toContain(`it has ${guaranteed.cpu} and ${guaranteed.memory} as both`);
  const said = rowsOf(values).find(({ path }) => path === 'sidecar.resources')?.text;
  expect(said).toContain(`${requests.cpu} and ${requests.memory} requested, ${limits.memory} at most`);
});

test('the chart, what it runs and the library chart have one version', () => {
  const { version } = JSON.parse(readFileSync(join(chartFolder, '../package.json'), 'utf8'));
  for (const file of ['Chart.yaml', 'charts/outrider-sidecar/Chart.yaml']) {
    const chart = parseYaml(read(file));
    expect([at(chart, 'version'), at(chart, 'appVersion')]).toEqual([version, version]);
  }
  expect(at(parseYaml(read('Chart.yaml')), 'dependencies', 0, 'version')).toBe(version);
});

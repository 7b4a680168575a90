import { readFileSync } from 'node:fs';
import { keysOf, withTables } from '../../../scripts/schema-docs.ts';
import { processDefinition, routesDefinition } from '../../../src/runtime/config/definition.ts';
import { jsonSchemas } from '../../../src/runtime/config/json-schema.ts';

const root = new URL('../../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
const schemas = jsonSchemas();
const keys = schemas.flatMap(({ file, schema }) => keysOf(schema).map((key) => ({ file, ...key })));

test.each(schemas)('schema/$file is what the definition says (else: node scripts/schema.ts)', ({ file, schema }) => {
  expect(JSON.parse(read(`schema/${file}`))).toEqual(JSON.parse(JSON.stringify(schema)));
});

test('docs/configuration.md is what the definition says (else: node scripts/schema.ts)', () => {
  const docs = read('docs/configuration.md');
  expect(withTables(docs)).toBe(docs);
});

test('every key is in docs/configuration.md', () => {
  const docs = read('docs/configuration.md');
  expect(keys.filter(({ path }) => !docs.includes(`| \`${path}\` |`))).toEqual([]);
  expect(keys.length).toBeGreaterThan(180);
});

test('every key has a description', () => {
  expect(keys.filter(({ meaning }) => meaning === '').map(({ path }) => path)).toEqual([]);
});

test('the schemas know every top-level key of the definition, and no other', () => {
  expect(schemas.map(({ schema }) => Object.keys(schema.properties ?? {}))).toEqual([
    Object.keys(processDefinition.shape),
    Object.keys(routesDefinition.shape),
  ]);
  expect(schemas.map(({ schema }) => schema.additionalProperties)).toEqual([false, false]);
});

test('units are texts with a pattern, and defaults are written as people write them', () => {
  const wait = schemas[0]?.schema.properties?.capture;
  expect(typeof wait === 'object' && wait.properties?.wait).toMatchObject({
    default: '1s',
    anyOf: [{ type: 'string', pattern: expect.stringContaining('ms|s|m|h|d') }, { const: 0 }],
  });
});

test('what is not in this version says so', () => {
  const later = keys.filter(({ meaning }) => meaning.endsWith('Not in this version.')).map(({ path }) => path);
  expect(later).toEqual(
    expect.arrayContaining(['publicUrl', 'trace', 'rateLimits', 'rules[].fault', 'rules[].delivery.mode']),
  );
  expect(later).not.toContain('spool.size');
});

/** The tables of docs/configuration.md, from the JSON Schemas: one line for each key. */
import { type JsonSchema, jsonSchemas } from '../src/runtime/config/json-schema.ts';

/** A value in a mapping or a list, as people read it: `rules[].match.headers.NAME`. */
const anyName = 'NAME';

interface KeyRow {
  readonly path: string;
  readonly form: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** Every key of one schema with its path, in order. */
export function keysOf(schema: JsonSchema, above = ''): KeyRow[] {
  const rows: KeyRow[] = [];
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    if (typeof value === 'boolean') continue;
    const path = above === '' ? key : `${above}.${key}`;
    rows.push({
      path,
      form: formOf(value),
      fallback: fallbackOf(value, schema, key),
      meaning: value.description ?? '',
    });
    rows.push(...keysOf(value, path));
  }
  if (isSchema(schema.items)) rows.push(...keysOf(schema.items, `${above}[]`));
  if (isSchema(schema.additionalProperties)) rows.push(...keysOf(schema.additionalProperties, `${above}.${anyName}`));
  for (const option of schema.anyOf ?? []) if (isSchema(option)) rows.push(...keysOf(option, above));
  return rows;
}

/** The text with everything between the two marks of each file replaced by its table. */
export function withTables(text: string): string {
  return jsonSchemas().reduce((result, { file, schema }) => {
    const start = `<!-- keys of ${file} -->`;
    const end = `<!-- end of ${file} -->`;
    if (!result.includes(start) || !result.includes(end))
      throw new Error(`docs/configuration.md lacks ${start} … ${end}`);
    const [before = '', rest = ''] = result.split(start);
    return `${before}${start}\n${tables(schema)}\n${end}${rest.split(end)[1] ?? ''}`;
  }, text);
}

function tables(schema: JsonSchema): string {
  const rows = keysOf(schema);
  const sections = Object.keys(schema.properties ?? {});
  return sections
    .map((section) => {
      const own = rows.filter(({ path }) => path.split(/[.[]/)[0] === section);
      const lines = own.map(({ path, form, fallback, meaning }) =>
        [`\`${path}\``, form, fallback, meaning].map((cell) => cell.replaceAll('|', '\\|')).join(' | '),
      );
      return `\n### ${section}\n\n| key | value | default | meaning |\n|---|---|---|---|\n${lines.map((line) => `| ${line} |`).join('\n')}`;
    })
    .join('\n')
    .concat('\n');
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function formOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => (value === '' ? '`""`' : `\`${value}\``)).join(', ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.anyOf?.some((option) => isSchema(option) && formOf(option) === 'size') === true) return 'size';
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.filter(isSchema).map(formOf))].join(' or ');
  if (schema.pattern?.includes('(ms|s|m|h|d)') === true) return 'duration';
  if (schema.pattern?.includes('(Ki|Mi|Gi|Ti)') === true) return 'size';
  if (schema.pattern?.includes('/(s|m|h)') === true) return 'rate';
  if (schema.type === 'array') return isSchema(schema.items) ? `list of ${formOf(schema.items)}` : 'list';
  if (schema.type === 'object') return isSchema(schema.additionalProperties) ? 'mapping by name' : 'mapping';
  const words: Record<string, string> = {
    string: 'text',
    integer: 'number',
    number: 'number',
    boolean: '`true`, `false`',
  };
  return words[String(schema.type)] ?? 'anything';
}

function fallbackOf(value: JsonSchema, parent: JsonSchema, key: string): string {
  if (parent.required?.includes(key) === true) return '**required**';
  const fallback = value.default;
  if (fallback === undefined) return '';
  if (isSchema(fallback) && Object.keys(fallback).length === 0) return '';
  return `\`${typeof fallback === 'string' && fallback !== '' ? fallback : JSON.stringify(fallback)}\``;
}

/**
 * The one definition of the chart's values is chart/values.yaml: each value with its default and, in the comment above
 * it, `-- what it is` and `@schema {…}` where the default does not say what is allowed. From it come the schema that
 * Helm checks values by, and the table in the chart's README.
 */
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import * as z from 'zod';
import { processDefinition } from '../src/runtime/config/definition.ts';
import { laterMark } from '../src/runtime/config/field.ts';

export interface Schema {
  [keyword: string]: unknown;
}

/** A value that people set. */
export interface ValueRow {
  readonly path: string;
  /** As it stands in values.yaml. */
  readonly fallback: string;
  readonly text: string;
}

interface Annotation {
  readonly text: string;
  readonly schema: Schema;
}

/** draft-07, which every Helm reads. */
export function schemaOf(valuesYaml: string): Schema {
  const { properties } = mapSchema(rootOf(valuesYaml), '');
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the Outrider chart',
    type: 'object',
    properties: {
      ...Object(properties),
      // A parent chart's condition is passed on, and Helm keeps a place for the library chart.
      enabled: { type: 'boolean', description: "A parent chart's condition." },
      'outrider-sidecar': { type: 'object' },
    },
    additionalProperties: false,
  };
}

export function rowsOf(valuesYaml: string): ValueRow[] {
  return [...rowsIn(rootOf(valuesYaml), '', '')];
}

/** The README with its table as it has to be. @throws where it has no place for one */
export function withValuesTable(readme: string, valuesYaml: string): string {
  const [start, end] = ['<!-- values -->', '<!-- end of values -->'];
  const [before = '', rest = ''] = readme.split(start);
  const [, after] = rest.split(end);
  if (after === undefined) throw new Error(`chart/README.md lacks ${start} … ${end}`);
  return `${before}${start}\n${valuesTable(rowsOf(valuesYaml))}\n${end}${after}`;
}

function valuesTable(rows: readonly ValueRow[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const lines = rows.map(({ path, fallback, text }) => `| \`${path}\` | \`${cell(fallback)}\` | ${cell(text)} |`);
  return ['| value | default | meaning |', '|---|---|---|', ...lines].join('\n');
}

function rootOf(valuesYaml: string): YAMLMap {
  const { contents, errors } = parseDocument(valuesYaml);
  if (errors[0] !== undefined) throw errors[0];
  if (!isMap(contents)) throw new Error('chart/values.yaml is no mapping');
  return contents;
}

function mapSchema(map: YAMLMap, path: string): Schema {
  const properties: Record<string, Schema> = {};
  for (const [key, pair] of pairsOf(map)) properties[key] = valueSchema(pair, commentOf(map, pair), join(path, key));
  return { type: 'object', properties, additionalProperties: false };
}

function valueSchema(pair: Pair, comment: string, path: string): Schema {
  const { text, schema } = annotationOf(comment, path);
  const { value } = pair;
  const described = text === '' ? {} : { description: text };
  if (schema.ref === 'config') return { ...configSchema(), ...described };
  const { open, map, port, zero, ...rest } = schema;
  if (isMap(value)) {
    if (open === true && value.items.length > 0 && hasRows(value)) {
      return { ...mapSchema(value, path), ...described, additionalProperties: true };
    }
    if (open === true) return { ...described, type: 'object' };
    if (map !== undefined) return { ...described, type: 'object', additionalProperties: map };
    return { ...mapSchema(value, path), ...described };
  }
  if (port === true) return { ...described, type: 'integer', minimum: zero === true ? 0 : 1, maximum: 65_535 };
  return { ...described, type: typeOf(value, rest, path), ...rest };
}

function typeOf(value: unknown, schema: Schema, path: string): unknown {
  if (schema.type !== undefined) return schema.type;
  if (!isScalar(value)) return 'array';
  if (typeof value.value === 'number') return 'integer';
  if (value.value !== null) return typeof value.value;
  throw new Error(`chart/values.yaml: ${path} is null: say what it may be with # @schema {"type": …}`);
}

function* rowsIn(map: YAMLMap, path: string, above: string): Generator<ValueRow> {
  for (const [key, pair] of pairsOf(map)) {
    const name = join(path, key);
    const { text } = annotationOf(commentOf(map, pair), name);
    if (isMap(pair.value) && hasRows(pair.value)) {
      yield* rowsIn(pair.value, name, text || above);
      continue;
    }
    if (text === '') throw new Error(`chart/values.yaml: ${name} has no comment that begins with --`);
    yield { path: name, fallback: textOf(pair.value), text };
  }
}

/** Whether its keys are values of their own, and not the default of one. */
function hasRows(map: YAMLMap): boolean {
  return pairsOf(map).some(
    ([, pair]) => commentOf(map, pair).includes('--') || (isMap(pair.value) && hasRows(pair.value)),
  );
}

function pairsOf(map: YAMLMap): [string, Pair][] {
  return map.items.map((pair) => [String(isScalar(pair.key) ? pair.key.value : pair.key), pair]);
}

/** The first one's comment is the mapping's. */
function commentOf(map: YAMLMap, pair: Pair): string {
  const own = isScalar(pair.key) ? (pair.key.commentBefore ?? '') : '';
  return map.items[0] === pair ? `${map.commentBefore ?? ''}\n${own}` : own;
}

function annotationOf(comment: string, path: string): Annotation {
  let text = '';
  let schema: Schema = {};
  // Above the first value stands what the whole file is.
  for (const line of (comment.split('\n\n').at(-1) ?? '').split('\n').map((one) => one.trim())) {
    if (line.startsWith('-- ')) text = line.slice('-- '.length);
    if (line.startsWith('@schema ')) schema = parseSchema(line.slice('@schema '.length), path);
  }
  return { text, schema };
}

function parseSchema(text: string, path: string): Schema {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `chart/values.yaml: ${path}: @schema is no JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function textOf(value: unknown): string {
  return isScalar(value) ? JSON.stringify(value.value) : JSON.stringify(Object(value).toJSON());
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/**
 * outrider.yaml, as a person writes it. What comes with a later version may have its default only; a listener that
 * changes the chart's own needs no address.
 */
function configSchema(): Schema {
  const override = ({ jsonSchema }: { jsonSchema: Schema }): void => {
    if (jsonSchema[laterMark] === true) {
      const fallback = jsonSchema.default;
      for (const keyword of Object.keys(jsonSchema)) delete jsonSchema[keyword];
      jsonSchema.enum = [fallback];
    }
    // Helm shows neither; editors have schema/outrider.schema.json.
    delete jsonSchema.default;
    delete jsonSchema.description;
  };
  const options = { target: 'draft-7', io: 'input', unrepresentable: 'any', override } as const;
  const { $schema: _schema, ...schema }: Schema = z.toJSONSchema(processDefinition, options);
  const listener = Object(schema.properties).listeners;
  listener.items.required = ['name'];
  return schema;
}

/**
 * Manifests as people and kubectl write them: YAML of several documents, lists, JSON. They are changed where they are:
 * comments, order and the way values are written stay (`0644` is read as YAML 1.1 has it, and stays `0644`).
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  type ToStringOptions,
} from 'yaml';
import { isMapping, valueAt } from '../config/raw-value.ts';
import { ConfigError } from '../errors.ts';
import { applyPatch, type PatchOperation, type Step } from './json-patch.ts';
import { parseJson } from './parse-json.ts';
import { createYamlNode } from './yaml-node.ts';

export interface ManifestObject {
  /** As it was read. */
  readonly value: unknown;
  /** @throws ConfigError where the YAML has an alias in the place of what is to be changed */
  apply(operations: readonly PatchOperation[]): void;
}

export interface ManifestFile {
  /** Also those inside lists. */
  readonly objects: readonly ManifestObject[];
  /** As it was read, but laid out as `print` does: to compare with. */
  readonly original: string;
  print(): string;
}

/** @throws ConfigError where it is neither YAML nor JSON */
export function readManifests(text: string, file: string): ManifestFile {
  try {
    return text.trimStart().startsWith('{') && isJson(text) ? readJson(text) : readYaml(text, file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError([{ file, line: 0, column: 0, path: '', message: 'nested too deeply' }]);
  }
}

const isJson = (text: string): boolean => parseJson(text) !== undefined;

function readJson(text: string): ManifestFile {
  let document: unknown = JSON.parse(text);
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ';
  const print = (): string => `${JSON.stringify(document, null, indent)}\n`;
  const objects = objectsIn(document).map(({ path, value }) => ({
    value,
    apply: (operations: readonly PatchOperation[]) => {
      document = applyPatch(document, below(path, operations));
    },
  }));
  return { objects, original: print(), print };
}

function readYaml(text: string, file: string): ManifestFile {
  // Once for the text, where every value is a text and stays as it is written, and once for what kubectl makes of it.
  const documents = parseAllDocuments(text, { schema: 'failsafe' });
  const values = parseAllDocuments(text, { version: '1.1', merge: true });
  const mistakes = values.flatMap(({ errors }) =>
    errors.map(({ message, linePos }) => {
      const { line, col } = linePos?.[0] ?? { line: 0, col: 0 };
      return { file, line, column: col, path: '', message: `not valid YAML: ${message.split(' at line ')[0] ?? ''}` };
    }),
  );
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const layout = layoutOf(text);
  const print = (): string => documents.map((document) => document.toString(layout)).join('');
  const objects = documents.flatMap((document, index) =>
    objectsIn(plain(values[index], file)).map(({ path, value }) => ({
      value,
      apply: (operations: readonly PatchOperation[]) => {
        for (const operation of below(path, operations)) applyToYaml(document, operation, file);
      },
    })),
  );
  return { objects, original: print(), print };
}

/** @throws ConfigError where aliases stand for far more than is written */
function plain(document: Document | undefined, file: string): unknown {
  try {
    return document?.toJS() ?? null;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new ConfigError([{ file, line: 0, column: 0, path: '', message: `not usable: ${error.message}` }]);
  }
}

/** The object, or those of a list. */
function objectsIn(document: unknown): { readonly path: readonly Step[]; readonly value: unknown }[] {
  const items = valueAt(document, ['items']);
  if (Array.isArray(items) && String(valueAt(document, ['kind'])).endsWith('List')) {
    return items.flatMap((value: unknown, index) => (isMapping(value) ? [{ path: ['items', index], value }] : []));
  }
  return isMapping(document) ? [{ path: [], value: document }] : [];
}

function below(path: readonly Step[], operations: readonly PatchOperation[]): PatchOperation[] {
  return operations.map((operation) => ({ ...operation, path: [...path, ...operation.path] }));
}

/** As the text has it; kubectl writes lists at the column of their key. */
function layoutOf(text: string): ToStringOptions {
  const [, outer = '', inner = ''] = /^( *)[^\s#-][^\n]*:[ \t]*\n( *)- /m.exec(text) ?? [];
  const [, above = '', nested = '  '] = /^( *)[^\s#-][^\n]*:[ \t]*\n( +)[^\s#-]/m.exec(text) ?? [];
  return {
    lineWidth: 0,
    indentSeq: inner.length > outer.length,
    indent: Math.max(nested.length - above.length, 2),
    flowCollectionPadding: /\{ \S/.test(text),
  };
}

function applyToYaml(document: Document, operation: PatchOperation, file: string): void {
  const { path } = operation;
  const last = path.at(-1) ?? '';
  const writtenOut = operation.op === 'add' && isLong(operation.value);
  const parent = path
    .slice(0, -1)
    .reduce<Node | null>((node, step) => child(writtenOut ? asBlock(node) : node, step, path, file), root(document));
  if (writtenOut) asBlock(parent);
  if (isSeq(parent)) {
    const added = operation.op === 'add' ? [createYamlNode(operation.value)] : [];
    // `[]` is written out once something is in it.
    if (parent.items.length === 0) parent.flow = false;
    parent.items.splice(Number(last), operation.op === 'add' ? 0 : 1, ...added);
  } else if (isMap(parent)) {
    if (parent.items.length === 0) parent.flow = false;
    if (operation.op === 'add') parent.set(keyOf(parent.items, last), createYamlNode(operation.value));
    else parent.delete(String(last));
  } else throw notWrittenOut(path, file);
}

/** What does not go well into a line. */
function isLong(value: unknown): boolean {
  return typeof value === 'object' || String(value).includes('\n');
}

/** `{name: acme}` becomes lines, when more than a word is put into it. */
function asBlock(node: Node | null): Node | null {
  if (isMap(node) || isSeq(node)) node.flow = false;
  return node;
}

function root(document: Document): Node | null {
  const { contents } = document;
  return isMap(contents) || isSeq(contents) ? contents : null;
}

function child(node: Node | null, step: Step, path: readonly Step[], file: string): Node | null {
  const next: unknown = isMap(node) || isSeq(node) ? node.get(isSeq(node) ? step : String(step), true) : undefined;
  if (isMap(next) || isSeq(next) || isScalar(next)) return next;
  if (isAlias(next) || next === undefined) throw notWrittenOut(path, file);
  return null;
}

/** A key that is there keeps its comments. */
function keyOf(items: readonly { readonly key: unknown }[], name: Step): unknown {
  const pair = items.find(({ key }) => isScalar(key) && key.value === String(name));
  return pair?.key ?? createYamlNode(String(name));
}

function notWrittenOut(path: readonly Step[], file: string): ConfigError {
  const message =
    'this comes from an alias or a merge key (*name, <<), which can not be changed here alone: write it out';
  return new ConfigError([{ file, line: 0, column: 0, path: path.join('.'), message }]);
}

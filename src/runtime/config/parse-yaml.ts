/**
 * YAML 1.2 (core schema) with the place of every value, and without what a configuration never needs: anchors,
 * aliases, merge keys, tags, several documents, keys given twice. `on`, `no` and `yes` are strings here.
 */
import {
  CORE_SCHEMA,
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  YAMLException,
} from 'js-yaml';
import { ConfigError, type ConfigMistake } from '../errors.ts';
import { decodeUtf8, maxTextBytes, placeFinder, type TextPlace } from './text-place.ts';

/** Far deeper than any configuration (rules[0].request.headers.set.x is 6), far below what exhausts a stack. */
const maxDepth = 32;
/** One wrong tool can make a mistake of every line; the first ones are enough to act on. */
const maxMistakes = 100;

export type YamlPath = readonly PropertyKey[];

/** A scalar as it stands in the file. */
export interface YamlScalar {
  readonly text: string;
  /** Not quoted and not a block: `True`, `8080`. */
  readonly plain: boolean;
}

export interface YamlFile {
  readonly file: string;
  /** Plain objects, lists and scalars; undefined where the file holds nothing but comments. */
  readonly value: unknown;
  /** Where a value stands, or its key; a path that is not there has the place of its nearest parent. */
  placeOf(path: YamlPath, of?: 'key' | 'value'): TextPlace;
  scalarAt(path: YamlPath): YamlScalar | null;
}

interface Node {
  readonly at: number;
  readonly keyAt: number;
  readonly scalar: ScalarEvent | null;
  /** null of a scalar: most nodes are. */
  readonly children: Map<string, Node> | null;
}

/**
 * @param file the name for mistakes
 * @throws ConfigError with every structural mistake; a syntax error is alone, since nothing after it can be trusted.
 */
export function parseYaml(input: string | Uint8Array, file: string): YamlFile {
  const text = typeof input === 'string' ? input.replace(/^\uFEFF/, '') : decodeUtf8(input, file);
  if (text.length > maxTextBytes) {
    throw mistakeAt(file, { line: 1, column: 1 }, `the file is larger than ${maxTextBytes >> 20} MiB`);
  }
  const placeOfOffset = placeFinder(text);
  const events = readEvents(text, file);
  const tree = new Tree(text, events, (offset, message) => ({ file, path: '', message, ...placeOfOffset(offset) }));
  const root = tree.read();
  if (tree.mistakes.length > 0) throw new ConfigError(tree.mistakes.slice(0, maxMistakes));
  const value = root === null ? undefined : constructFromEvents(events, { source: text, schema: CORE_SCHEMA })[0];
  return {
    file,
    value,
    placeOf: (path, of = 'value') => placeOfOffset(root === null ? 0 : offsetOf(root, path, of)),
    scalarAt: (path) => {
      const scalar = root === null ? null : (nodeAt(root, path)?.scalar ?? null);
      return scalar && { text: getScalarValue(text, scalar), plain: scalar.style === SCALAR_STYLE.PLAIN };
    },
  };
}

function readEvents(text: string, file: string): Event[] {
  try {
    return parseEvents(text, { maxDepth });
  } catch (error) {
    if (!(error instanceof YAMLException) || error.mark === undefined) throw error;
    const { line, column } = error.mark;
    const reason = error.reason.includes('maxDepth') ? `nested deeper than ${maxDepth} levels` : error.reason;
    throw mistakeAt(file, { line: line + 1, column: column + 1 }, `not valid YAML: ${reason}`);
  }
}

function mistakeAt(file: string, { line, column }: TextPlace, message: string): ConfigError {
  return new ConfigError([{ file, line, column, path: '', message }]);
}

function nodeAt(root: Node, path: YamlPath): Node | null {
  let node: Node | undefined = root;
  for (const key of path) node = node?.children?.get(String(key));
  return node ?? null;
}

function offsetOf(root: Node, path: YamlPath, of: 'key' | 'value'): number {
  let node = root;
  for (const key of path) {
    const child = node.children?.get(String(key));
    if (child === undefined) return node.keyAt;
    node = child;
  }
  // A block mapping or an empty value has no place of its own that helps: its key is where a person looks.
  return of === 'key' || node.scalar?.valueStart === -1 ? node.keyAt : node.at;
}

/** Reads the flat events into places, and refuses on the way what constructing values must never see. */
class Tree {
  readonly mistakes: ConfigMistake[] = [];
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #mistake: (offset: number, message: string) => ConfigMistake;
  #next = 0;
  /** Where the last token ended: the place of what is absent. */
  #last = 0;

  constructor(text: string, events: readonly Event[], mistake: (offset: number, message: string) => ConfigMistake) {
    this.#text = text;
    this.#events = events;
    this.#mistake = mistake;
  }

  /** null: the text holds nothing. */
  read(): Node | null {
    if (this.#take()?.type !== EVENT_ID.DOCUMENT) return null;
    const root = this.#node(-1);
    this.#take();
    if (this.#next < this.#events.length) this.#refuse(this.#last, 'one document only: a second one starts after ---');
    const nothing = root.scalar !== null && root.scalar.valueStart === -1;
    return nothing ? null : root;
  }

  #node(keyAt: number): Node {
    const event = this.#take();
    if (event === undefined) return { at: this.#last, keyAt: this.#last, scalar: null, children: null };
    this.#checkProperties(event);
    const at = startOf(event, this.#last);
    this.#last = at;
    const places = { at, keyAt: keyAt < 0 ? at : keyAt };
    if (event.type === EVENT_ID.SCALAR) return { ...places, scalar: event, children: null };
    const children = new Map<string, Node>();
    if (event.type === EVENT_ID.SEQUENCE) this.#items(children);
    if (event.type === EVENT_ID.MAPPING) this.#entries(children);
    return { ...places, scalar: null, children };
  }

  #items(children: Map<string, Node>): void {
    for (let index = 0; !this.#atEnd(); index += 1) children.set(String(index), this.#node(-1));
    this.#take();
  }

  #entries(children: Map<string, Node>): void {
    while (!this.#atEnd()) {
      const key = this.#node(-1);
      const name = key.scalar === null ? null : getScalarValue(this.#text, key.scalar);
      if (name === null) this.#refuse(key.at, 'a key must be a name, not a list or a mapping');
      else this.#checkKey(name, key, children);
      const value = this.#node(key.at);
      if (name !== null) children.set(name, value);
    }
    this.#take();
  }

  #checkKey(name: string, key: Node, siblings: ReadonlyMap<string, Node>): void {
    if (siblings.has(name)) this.#refuse(key.at, `the key "${name}" is given twice`);
    if (name === '__proto__') this.#refuse(key.at, 'the key "__proto__" is not allowed');
    if (name === '<<' && key.scalar?.style === SCALAR_STYLE.PLAIN) {
      this.#refuse(key.at, 'merge keys (<<) are not read: write the keys out');
    }
  }

  #checkProperties(event: Event): void {
    if (event.type === EVENT_ID.ALIAS || ('anchorStart' in event && event.anchorStart >= 0)) {
      this.#refuse(event.anchorStart - 1, 'anchors and aliases (&name, *name) are not read: write the value out');
    }
    if ('tagStart' in event && event.tagStart >= 0) {
      const tag = this.#text.slice(event.tagStart, event.tagEnd);
      if (tag !== '!!str') this.#refuse(event.tagStart, `the tag ${tag} is not allowed: quote the value instead`);
    }
  }

  #refuse(offset: number, message: string): void {
    if (this.mistakes.length < maxMistakes) this.mistakes.push(this.#mistake(offset, message));
  }

  #take(): Event | undefined {
    const event = this.#events[this.#next];
    this.#next += 1;
    return event;
  }

  #atEnd(): boolean {
    const event = this.#events[this.#next];
    return event === undefined || event.type === EVENT_ID.POP;
  }
}

function startOf(event: Event, fallback: number): number {
  if (event.type === EVENT_ID.SCALAR) {
    if (event.valueStart < 0) return fallback;
    const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    return quoted ? event.valueStart - 1 : event.valueStart;
  }
  return 'start' in event ? event.start : fallback;
}

/**
 * Secrets out of JSON (RFC 8259) in place: everything else keeps its bytes, so numbers, order, white space and
 * duplicate names stay as they were sent.
 */
import { spend } from './redact-budget.ts';
import { type Found, REDACTED, type RedactRules } from './redact-rules.ts';

const MAX_DEPTH = 200;
/** JSON in a string in JSON in a string. */
const MAX_NESTED = 3;
const REPLACEMENT = JSON.stringify(REDACTED);
const SCALAR = /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)/y;
/** What can stand beside a name within a string. */
const SIGN = /[=:<]|&lt;/;
/** `{"name": "password", "value": "…"}`, as lists of headers and parameters and JSON Patch (RFC 6902) are written. */
const LABELS: ReadonlySet<string> = new Set(
  ['name', 'key', 'field', 'param', 'parameter', 'header', 'id', 'path'].flatMap((name) => [name, capitalized(name)]),
);
const LABELLED: ReadonlySet<string> = new Set(
  ['value', 'values', 'val', 'content'].flatMap((name) => [name, capitalized(name)]),
);
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The text without secrets; null when it is not JSON, or nested too deeply. `path` names the document. */
export function redactJson(text: string, rules: RedactRules, path: string, found: Found, nested = 0): string | null {
  const scan = new JsonScan(text, rules, path, found, nested);
  try {
    return scan.document();
  } catch (error) {
    if (error instanceof NotJson) return null;
    throw error;
  }
}

/** Whether it is worth a try. */
export const looksLikeJson = (text: string): boolean => /^[\s\uFEFF]*[{[]/.test(text);

class NotJson extends Error {}
/** One for all: nobody reads its stack, and a body of a million broken documents would make a million. */
const NOT_JSON = new NotJson();

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

class JsonScan {
  readonly #text: string;
  readonly #rules: RedactRules;
  readonly #path: string;
  readonly #found: Found;
  readonly #nested: number;
  readonly #escapes: boolean;
  /** No value of secret form stands in it: only names have to be looked at. */
  readonly #clean: boolean;
  /** In the order of their places. */
  readonly #edits: Edit[] = [];
  /** Names on the way to where the scan is; null: a list. */
  readonly #names: (string | null)[] = [];
  #at = 0;

  constructor(text: string, rules: RedactRules, path: string, found: Found, nested: number) {
    this.#text = text;
    this.#rules = rules;
    this.#path = path;
    this.#found = found;
    this.#nested = nested;
    this.#escapes = text.includes('\\');
    // Without an escape the whole shows what any string of it shows, in one search instead of hundreds.
    this.#clean = !this.#escapes && !text.includes('%') && rules.values(text) === text;
  }

  document(): string {
    // RFC 8259 section 8.1: a byte order mark may be ignored.
    if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    this.#space();
    this.#value(false, 0);
    this.#space();
    if (this.#at !== this.#text.length) throw NOT_JSON;
    if (this.#edits.length === 0) return this.#text;
    const out: string[] = [];
    let copied = 0;
    for (const { from, to, by } of this.#edits) {
      out.push(this.#text.slice(copied, from), by);
      copied = to;
    }
    out.push(this.#text.slice(copied));
    return out.join('');
  }

  /** `hidden`: inside something that is replaced as a whole, so only read over. */
  #value(hidden: boolean, depth: number): void {
    if (depth > MAX_DEPTH) throw NOT_JSON;
    spend(1);
    const from = this.#at;
    const first = this.#text.charCodeAt(from);
    if (first === QUOTE) {
      const text = this.#string();
      if (!hidden) this.#leaf(from, text);
    } else if (first === OPEN_OBJECT) this.#object(hidden, depth);
    else if (first === OPEN_LIST) this.#array(hidden, depth);
    else {
      this.#scalar();
      if (!hidden && !this.#clean && this.#at - from > 8) this.#leaf(from, this.#text.slice(from, this.#at));
    }
  }

  #object(hidden: boolean, depth: number): void {
    let labelled = false;
    let values: { readonly from: number; readonly to: number; readonly name: string }[] | null = null;
    for (let more = this.#begins(CLOSE_OBJECT); more; more = this.#goesOn(CLOSE_OBJECT)) {
      const name = this.#member();
      const from = this.#at;
      const secret = !hidden && this.#rules.isSecretField(name);
      this.#value(hidden || secret, depth + 1);
      if (secret) this.#replace(from, this.#at, REPLACEMENT);
      else if (!hidden && LABELS.has(name)) labelled ||= this.#isSecretLabel(from);
      else if (!hidden && LABELLED.has(name)) {
        values ??= [];
        values.push({ from, to: this.#at, name });
      }
      this.#names.pop();
    }
    if (!labelled) return;
    for (const { from, to, name } of values ?? []) {
      this.#names.push(name);
      this.#replace(from, to, REPLACEMENT);
      this.#names.pop();
    }
  }

  /** A name and its colon, up to the value. */
  #member(): string {
    const from = this.#at;
    const name = this.#string();
    const shown = this.#clean ? name : this.#rules.text(name);
    this.#names.push(shown === name ? name : REDACTED);
    if (shown !== name) this.#replace(from, this.#at, REPLACEMENT);
    this.#space();
    this.#expect(COLON);
    this.#space();
    return name;
  }

  #isSecretLabel(from: number): boolean {
    if (this.#text.charCodeAt(from) !== QUOTE) return false;
    const label = decodeString(this.#text.slice(from, this.#at));
    return this.#rules.isSecretField(label) || this.#rules.isSecretHeader(label);
  }

  #array(hidden: boolean, depth: number): void {
    this.#names.push(null);
    for (let more = this.#begins(CLOSE_LIST); more; more = this.#goesOn(CLOSE_LIST)) this.#value(hidden, depth + 1);
    this.#names.pop();
  }

  #begins(end: number): boolean {
    this.#at += 1;
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== end) return true;
    this.#at += 1;
    return false;
  }

  #goesOn(end: number): boolean {
    this.#space();
    const next = this.#text.charCodeAt(this.#at);
    this.#at += 1;
    if (next === end) return false;
    if (next !== COMMA) throw NOT_JSON;
    this.#space();
    return true;
  }

  #leaf(from: number, text: string): void {
    const shown = this.#redactString(text);
    if (shown !== text) this.#replace(from, this.#at, JSON.stringify(shown));
  }

  #redactString(text: string): string {
    if (this.#clean) return text.length > 3 && SIGN.test(text) ? this.#rules.named(text) : text;
    const inner =
      this.#nested < MAX_NESTED && looksLikeJson(text)
        ? redactJson(text, this.#rules, this.#pathHere(), this.#found, this.#nested + 1)
        : null;
    return inner ?? this.#rules.content(text);
  }

  #scalar(): void {
    SCALAR.lastIndex = this.#at;
    if (!SCALAR.test(this.#text)) throw NOT_JSON;
    this.#at = SCALAR.lastIndex;
  }

  /** What a string says; the scan stands behind it. */
  #string(): string {
    const from = this.#at;
    this.#expect(QUOTE);
    let end = this.#text.indexOf('"', from + 1);
    if (this.#escapes) while (end >= 0 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end < 0) throw NOT_JSON;
    this.#at = end + 1;
    return this.#escapes ? decodeString(this.#text.slice(from, end + 1)) : this.#text.slice(from + 1, end);
  }

  #isEscaped(at: number): boolean {
    let slashes = 0;
    while (this.#text[at - 1 - slashes] === '\\') slashes += 1;
    return slashes % 2 === 1;
  }

  #replace(from: number, to: number, by: string): void {
    const edit = { from, to, by };
    let index = this.#edits.length;
    while (index > 0 && (this.#edits[index - 1]?.from ?? 0) >= from) index -= 1;
    // What was replaced inside it goes with it; what stands behind it stays.
    let inside = 0;
    while ((this.#edits[index + inside]?.to ?? Number.POSITIVE_INFINITY) <= to) inside += 1;
    this.#edits.splice(index, inside, edit);
    this.#found(this.#pathHere());
  }

  #pathHere(): string {
    return this.#path + this.#names.map((name) => (name === null ? '[]' : `.${name}`)).join('');
  }

  #expect(code: number): void {
    if (this.#text.charCodeAt(this.#at) !== code) throw NOT_JSON;
    this.#at += 1;
  }

  #space(): void {
    for (let code = this.#text.charCodeAt(this.#at); code <= SPACE && isSpace(code); ) {
      this.#at += 1;
      code = this.#text.charCodeAt(this.#at);
    }
  }
}

const isSpace = (code: number): boolean => code === SPACE || code === 0x0a || code === 0x0d || code === 0x09;

function capitalized(name: string): string {
  return (name[0] ?? '').toUpperCase() + name.slice(1);
}

/** Of a literal with its quotes. */
function decodeString(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    const decoded: unknown = JSON.parse(literal);
    return String(decoded);
  } catch (error) {
    if (error instanceof SyntaxError) throw NOT_JSON;
    throw error;
  }
}

/**
 * Secrets out of JSON (RFC 8259) in place: everything else keeps its bytes, so numbers, order, white space and
 * duplicate names stay as they were sent.
 */
import { type Found, REDACTED, type RedactRules } from './redact-rules.ts';

const MAX_DEPTH = 200;
/** JSON in a string in JSON in a string. */
const MAX_NESTED = 3;
const REPLACEMENT = JSON.stringify(REDACTED);
const SCALAR = /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)/y;

/** The text without secrets; null when it is not JSON, or nested too deeply. `path` names the document. */
export function redactJson(text: string, rules: RedactRules, path: string, found: Found, nested = 0): string | null {
  const scan = new JsonScan(text, rules, found, nested);
  try {
    return scan.document(path);
  } catch (error) {
    if (error instanceof NotJson) return null;
    throw error;
  }
}

/** Whether it is worth a try. */
export const looksLikeJson = (text: string): boolean => /^[\s\uFEFF]*[{[]/.test(text);

class NotJson extends Error {}

class JsonScan {
  readonly #text: string;
  readonly #rules: RedactRules;
  readonly #found: Found;
  readonly #nested: number;
  /** No value of secret form stands in it: only names have to be looked at. */
  readonly #clean: boolean;
  readonly #out: string[] = [];
  #at = 0;
  #copied = 0;

  constructor(text: string, rules: RedactRules, found: Found, nested: number) {
    this.#text = text;
    this.#rules = rules;
    this.#found = found;
    this.#nested = nested;
    // Without an escape the whole shows what any string of it shows, in one search instead of hundreds.
    this.#clean = !text.includes('\\') && rules.text(text) === text;
  }

  document(path: string): string {
    // RFC 8259 section 8.1: a byte order mark may be ignored.
    if (this.#text.startsWith('\uFEFF')) this.#at = 1;
    this.#value(path, false, 0);
    this.#space();
    if (this.#at !== this.#text.length) throw new NotJson();
    this.#out.push(this.#text.slice(this.#copied));
    return this.#out.join('');
  }

  /** `hidden`: inside something that is replaced as a whole, so only read over. */
  #value(path: string, hidden: boolean, depth: number): void {
    if (depth > MAX_DEPTH) throw new NotJson();
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{') this.#object(path, hidden, depth);
    else if (first === '[') this.#array(path, hidden, depth);
    else if (first === '"') this.#leaf(path, hidden, this.#string());
    else this.#leaf(path, hidden, this.#scalar());
  }

  #object(path: string, hidden: boolean, depth: number): void {
    this.#items('}', () => {
      this.#space();
      const nameAt = this.#at;
      const name = this.#string().text;
      const shownName = hidden ? '' : this.#shown(name);
      if (!hidden && shownName !== name) this.#replace(nameAt, REPLACEMENT, `${path}.${REDACTED}`);
      this.#space();
      this.#expect(':');
      this.#space();
      const from = this.#at;
      const secret = !hidden && this.#rules.isSecretField(name);
      const inner = `${path}.${shownName}`;
      this.#value(inner, hidden || secret, depth + 1);
      if (secret) this.#replace(from, REPLACEMENT, inner);
    });
  }

  #array(path: string, hidden: boolean, depth: number): void {
    this.#items(']', () => this.#value(`${path}[]`, hidden, depth + 1));
  }

  #items(end: '}' | ']', item: () => void): void {
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === end) {
      this.#at += 1;
      return;
    }
    for (;;) {
      item();
      this.#space();
      if (this.#text[this.#at] === end) break;
      this.#expect(',');
    }
    this.#at += 1;
  }

  #leaf(path: string, hidden: boolean, { from, text }: { readonly from: number; readonly text: string }): void {
    if (hidden) return;
    const shown = this.#redactString(path, text);
    if (shown !== text) this.#replace(from, JSON.stringify(shown), path);
  }

  #redactString(path: string, text: string): string {
    const inner =
      this.#nested < MAX_NESTED && looksLikeJson(text)
        ? redactJson(text, this.#rules, path, this.#found, this.#nested + 1)
        : null;
    return inner ?? this.#shown(text);
  }

  #shown(text: string): string {
    return this.#clean ? text : this.#rules.text(text);
  }

  #scalar(): { readonly from: number; readonly text: string } {
    const from = this.#at;
    SCALAR.lastIndex = from;
    if (!SCALAR.test(this.#text)) throw new NotJson();
    this.#at = SCALAR.lastIndex;
    return { from, text: this.#text.slice(from, this.#at) };
  }

  #string(): { readonly from: number; readonly text: string } {
    const from = this.#at;
    this.#expect('"');
    let end = this.#text.indexOf('"', this.#at);
    while (end >= 0 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end < 0) throw new NotJson();
    this.#at = end + 1;
    return { from, text: decodeString(this.#text.slice(from, this.#at)) };
  }

  #isEscaped(at: number): boolean {
    let slashes = 0;
    while (this.#text[at - 1 - slashes] === '\\') slashes += 1;
    return slashes % 2 === 1;
  }

  #replace(from: number, by: string, path: string): void {
    this.#out.push(this.#text.slice(this.#copied, from), by);
    this.#copied = this.#at;
    this.#found(path);
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw new NotJson();
    this.#at += 1;
  }

  #space(): void {
    for (let code = this.#text.charCodeAt(this.#at); isSpace(code); code = this.#text.charCodeAt(this.#at))
      this.#at += 1;
  }
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** Of a literal with its quotes. */
function decodeString(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    const decoded: unknown = JSON.parse(literal);
    return String(decoded);
  } catch (error) {
    if (error instanceof SyntaxError) throw new NotJson();
    throw error;
  }
}

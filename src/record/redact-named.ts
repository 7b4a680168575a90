/**
 * Values beside a secret name in text that has no form of its own: messages, header values, logs, XML, anything that a
 * parser doesn't read. Each search goes over the text once.
 */
import { spend } from './redact-budget.ts';

const MARK = '[redacted]';
const LONGEST_NAME = 128;

export interface Names {
  isSecretField(name: string): boolean;
  isSecretHeader(name: string): boolean;
}

/**
 * `name=value`, `"name": value`, in quotes of any escaping. `lines`: also `name: value` that begins a line, as in
 * headers, YAML and properties, up to the line's end; text of ours ("the token: no such file") is not meant.
 */
export function redactNamed(text: string, names: Names, lines: boolean): string {
  let shown = '';
  let copied = 0;
  SIGN.lastIndex = 0;
  for (let sign = nextSign(text, 0); sign >= 0; sign = nextSign(text, Math.max(sign + 1, copied))) {
    spend(1);
    const name = nameBefore(text, sign, copied);
    if (name === null || !isSecret(name, names)) continue;
    const value = valueAfter(text, sign, name, lines);
    if (value === null) continue;
    spend(value.to - value.from);
    shown += text.slice(copied, value.from) + value.by;
    copied = value.to;
  }
  return copied === 0 ? text : shown + text.slice(copied);
}

/** The last two as East Asian keyboards write them. */
const SIGN = /[=:\uff1d\uff1a]/g;

function nextSign(text: string, from: number): number {
  SIGN.lastIndex = from;
  return SIGN.exec(text)?.index ?? -1;
}

interface Name {
  readonly text: string;
  readonly quoted: boolean;
  /** Nothing but white space and what marks an item stands before it in its line. */
  readonly beginsLine: boolean;
  /** Characters before it in its line. */
  readonly indent: number;
  /** It follows `{` or `,` as in an object whose names have no quotes. */
  readonly inObject: boolean;
}

/** What stands before a sign as its name; null: nothing does. */
function nameBefore(text: string, sign: number, lowest: number): Name | null {
  const floor = Math.max(lowest, sign - LONGEST_NAME - 8);
  let end = sign;
  while (end > floor && isBlank(text.charCodeAt(end - 1))) end -= 1;
  const quote = text[end - 1];
  if (quote === '"' || quote === "'" || quote === '`') {
    let close = end - 1;
    while (close > floor && text[close - 1] === '\\') close -= 1;
    const open = text.lastIndexOf(quote, close - 1);
    if (open < floor) return null;
    return {
      text: unescapeText(text.slice(open + 1, close)),
      quoted: true,
      beginsLine: false,
      indent: 0,
      inObject: true,
    };
  }
  let from = end;
  while (from > floor && isNamePart(text.charCodeAt(from - 1))) from -= 1;
  if (from === end) return null;
  let before = from;
  while (before > floor && isBlank(text.charCodeAt(before - 1))) before -= 1;
  const mark = text[before - 1] ?? '\n';
  const isItem = mark === '-' || mark === '>' || mark === '\u001e';
  const beginsLine = mark === '\n' || mark === '\r' || (isItem && /^[\n\r]?$/.test(text[before - 2] ?? ''));
  const inObject = mark === '{' || mark === ',';
  return { text: decode(text.slice(from, end)), quoted: false, beginsLine, indent: from - before, inObject };
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0xa0;

/** Letters, digits, `_ - . [ ] % $ + *` and everything beyond ASCII. */
const isNamePart = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  (code > 0x7f && code !== 0xa0 && code !== 0xff1d && code !== 0xff1a) ||
  NAME_MARKS.has(code);
const NAME_MARKS = new Set(Array.from('_-.[]%$+*@', (character) => character.charCodeAt(0)));

const isSecret = ({ text, beginsLine }: Name, { isSecretField, isSecretHeader }: Names): boolean =>
  isSecretField(text) || (beginsLine && isSecretHeader(text));

function decode(name: string): string {
  return name.includes('%')
    ? name.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : name;
}

/** Of a string of JSON or JavaScript, as far as letters go. */
export function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(
    /\\+(?:u([0-9a-f]{4})|u\{0{0,8}([0-9a-f]{1,6})\}|x([0-9a-f]{2})|(\r?\n)?)/gi,
    (whole, four?: string, braced?: string, two?: string) => {
      const code = Number.parseInt(four ?? braced ?? two ?? '', 16);
      if (Number.isNaN(code)) return '';
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

interface Value {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

function valueAfter(text: string, sign: number, name: Name, lines: boolean): Value | null {
  const colon = text[sign] === ':' || text[sign] === '\uff1a';
  let from = sign + 1;
  // `:=`, `=>`, `==`.
  while ('=:>'.includes(text[from] ?? ' ')) from += 1;
  while (isBlank(text.charCodeAt(from))) from += 1;
  // A value in the next line, also of an event (`data: `), belongs to a name in quotes.
  if (name.quoted)
    from += /^(?:\r?\n[ \t]{0,64}(?:data:[ \t]?)?[ \t]{0,64})?/.exec(text.slice(from, from + 200))?.[0].length ?? 0;
  // What stands behind a space belongs to `name = value` only when the name has one, too.
  if (!colon && from > sign + 1 && isBlank(text.charCodeAt(from - 1)) && !isBlank(text.charCodeAt(sign - 1))) {
    if (!lines || !name.beginsLine) return null;
  }
  const first = text[from] ?? '';
  if (first === '' || text.startsWith(MARK, from)) return null;
  const quoted = quotedValue(text, from);
  if (quoted !== null) return { from, to: quoted.to, by: colon ? quoted.by : MARK };
  if (colon && !name.quoted && !(lines && (name.beginsLine || name.inObject))) return null;
  if (first === '{' || first === '[') return { from, to: endOfNested(text, from), by: MARK };
  if (lines && name.beginsLine) return lineValue(text, from, name.indent);
  const end = endOf(text, from, colon ? OBJECT_END : PAIR_END);
  return end === from ? null : { from, to: end, by: MARK };
}

/** Up to the line's end, and the lines below that belong to it: YAML's blocks, folded fields of a head. */
function lineValue(text: string, from: number, indent: number): Value | null {
  let end = endOf(text, from, LINE_END);
  const isList = end === from;
  for (let next = CONTINUED.exec(text.slice(end, end + MAX_INDENT)); next !== null; ) {
    const { length } = next[1] ?? '';
    // Items of a YAML list may stand as far in as its name.
    const isItem = isList && length === indent && text.startsWith('- ', end + next[0].length);
    if (length <= indent && !isItem && text[end - 1] !== '\\') break;
    end = endOf(text, end + next[0].length, LINE_END);
    next = CONTINUED.exec(text.slice(end, end + MAX_INDENT));
  }
  return text.slice(from, end).trim() === '' ? null : { from, to: end, by: MARK };
}

/** The break, empty lines and the white space before what is written in the next one. */
const CONTINUED = /^(?:\r?\n[ \t]*)*\r?\n([ \t]*)(?=[^\s])/;
const MAX_INDENT = 200;

const PAIR_END = /[&;,#\s"'<>]/g;
const OBJECT_END = /[,}\]\r\n]/g;
const LINE_END = /[\r\n]/g;

function endOf(text: string, from: number, stop: RegExp): number {
  stop.lastIndex = from;
  return stop.exec(text)?.index ?? text.length;
}

/** With its quotes, which may be escaped; one without an end reaches to the end of the text. */
function quotedValue(text: string, from: number): { to: number; by: string } | null {
  let at = from;
  while (text[at] === '\\') at += 1;
  const quote = text[at];
  const slashes = at - from;
  if (quote !== '"' && quote !== "'" && quote !== '`') return null;
  // TOML's strings of several lines.
  if (slashes === 0 && text.startsWith(quote.repeat(3), at)) {
    const end = text.indexOf(quote.repeat(3), at + 3);
    return { to: end < 0 ? text.length : end + 3, by: `${quote}${MARK}${quote}` };
  }
  const token = text.slice(from, at + 1);
  for (let end = text.indexOf(quote, at + 1); end >= 0; end = text.indexOf(quote, end + 1)) {
    let before = 0;
    while (before <= slashes + 1 && text[end - 1 - before] === '\\') before += 1;
    const closes = slashes === 0 ? before === 0 || isEven(text, end) : before <= slashes;
    if (closes) return { to: end + 1, by: `${token}${MARK}${token}` };
  }
  return { to: text.length, by: `${token}${MARK}${token}` };
}

function isEven(text: string, end: number): boolean {
  let before = 0;
  while (text[end - 1 - before] === '\\') before += 1;
  return before % 2 === 0;
}

/** Of an object or a list, by its brackets; without its end that of the text. */
function endOfNested(text: string, from: number): number {
  let depth = 0;
  BRACKET.lastIndex = from;
  for (let found = BRACKET.exec(text); found !== null; found = BRACKET.exec(text)) {
    depth += found[0] === '{' || found[0] === '[' ? 1 : -1;
    if (depth === 0) return found.index + 1;
  }
  return text.length;
}

const BRACKET = /[{}[\]]/g;

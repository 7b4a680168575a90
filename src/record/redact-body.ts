/** Secrets out of a body, by what its type claims; one that can't be looked into is withheld. */
import { isUtf8 } from 'node:buffer';
import { looksLikeJson, redactJson } from './redact-json.ts';
import { type Kind, mediaType, xmlEncoding } from './redact-media.ts';
import { namesParts, redactMultipart } from './redact-multipart.ts';
import { redactPairs } from './redact-pairs.ts';
import type { Found, RedactRules } from './redact-rules.ts';

export interface BodyContent {
  /** Values of all such fields, joined by `, `; '' without. */
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Only the start of it is there. */
  readonly truncated: boolean;
}

const MAX_PARTS_DEPTH = 3;
const RECORD_SEPARATOR = '\u001e';
/**
 * Bytes of text that are looked into for names: the thread that does it commits records, too, and reads some 20 to
 * 60 MiB in a second.
 */
const MAX_PARSED_BYTES = 16 * 1024 * 1024;

/** null: withheld. The same object when there was nothing to take out. */
export function redactBody(
  bytes: Uint8Array,
  content: BodyContent,
  rules: RedactRules,
  path: string,
  found: Found,
): Uint8Array | null {
  return bytes.length === 0 ? bytes : redactAt(0, bytes, content, rules, path, found);
}

interface TextContent {
  readonly contentType: string;
  readonly kind: Kind;
  readonly truncated: boolean;
  /** Bytes that are not text: a name in them has no value that could be found. */
  readonly isBinary: boolean;
  /** By which the text was read. */
  readonly encoding: 'utf8' | 'latin1';
  readonly rules: RedactRules;
  readonly found: Found;
  readonly depth: number;
}

function redactAt(
  depth: number,
  whole: Uint8Array,
  { contentType, contentEncoding, truncated }: BodyContent,
  rules: RedactRules,
  path: string,
  found: Found,
): Uint8Array | null {
  const bytes = truncated ? withoutHalfCharacter(whole) : whole;
  const { kind, isOtherText } = mediaType(contentType);
  if (kind === 'unclear' || (contentEncoding !== '' && !/^(?:identity)?$/i.test(contentEncoding.trim()))) return null;
  if (isWide(bytes) || (kind !== 'other' && (truncated || bytes.length > MAX_PARSED_BYTES))) return null;
  // As latin1 every byte is a character and comes back as it was.
  const isUnicode = isUtf8(bytes);
  const encoding = isUnicode && kind !== 'multipart' ? 'utf8' : 'latin1';
  if (!isUnicode && (kind === 'json' || kind === 'lines')) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
  const isReadable = (): boolean => isUnicode || isOtherText || xmlEncoding(text) === 'other';
  const isBinary = kind === 'other' && (!isReadable() || CONTROLS.test(text));
  const shown = redactText(text, { contentType, kind, truncated, isBinary, encoding, rules, found, depth }, path);
  if (shown === null || shown === text) return shown === null ? null : bytes;
  return Buffer.from(shown, encoding);
}

/** UTF-8 that was cut off within a character, without that. */
function withoutHalfCharacter(bytes: Uint8Array): Uint8Array {
  for (let less = 0; less < 4 && less < bytes.length; less += 1) {
    const rest = bytes.subarray(0, bytes.length - less);
    if (isUtf8(rest)) return less === 0 ? bytes : rest;
  }
  return bytes;
}

/** Without tab, line feed, form feed, carriage return, escape and the separator of JSON texts, which text has. */
const CONTROL_CHARACTERS = '\\0-\\x08\\x0b\\x0e-\\x1a\\x1c\\x1d\\x1f';
const CONTROLS = new RegExp(`[${CONTROL_CHARACTERS}]`);

/** UTF-16 and UTF-32 with their mark: nothing that is looked for would be found. */
const isWide = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);

function redactText(text: string, content: TextContent, path: string): string | null {
  const { kind, rules, found } = content;
  if (kind === 'json') return redactJson(text, rules, path, found);
  if (kind === 'lines') return redactLines(text, content, path);
  if (kind === 'multipart') return redactParts(text, content, path);
  return kind === 'form' ? redactForm(text, content, path) : redactOther(text, content, path);
}

/** JSON text sequences (RFC 7464) and one document a line. */
function redactLines(text: string, { rules, found }: TextContent, path: string): string | null {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const json = line.startsWith(RECORD_SEPARATOR) ? line.slice(1) : line;
    if (json.trim() === '') continue;
    const shown = redactJson(json, rules, `${path}[]`, found);
    if (shown === null) return null;
    lines[index] = line.slice(0, line.length - json.length) + shown;
  }
  return lines.join('\n');
}

/** What curl calls a form without being told is often JSON. */
function redactForm(text: string, { rules, found }: TextContent, path: string): string | null {
  if (text.includes('\0')) return null;
  const json = looksLikeJson(text) ? redactJson(text, rules, path, found) : null;
  if (json !== null) return json;
  if (looksLikeJson(text) && rules.mentionsField(text)) return null;
  const shown = redactPairs(text, rules, path, found);
  // What no form has shows that it is none, and a name in it may be followed by anything.
  return NO_FORM.test(text) && rules.mentionsField(withoutPairs(shown)) ? null : shown;
}

const NO_FORM = /[^!-~]|["<>]/;
/** Names in a form have lost their values. */
const withoutPairs = (text: string): string => text.replace(/(?:^|[&;])[^&;=]{1,128}=\[redacted\](?=[&;\r\n]|$)/g, '');

function redactParts(text: string, content: TextContent, path: string): string | null {
  const { rules, found, contentType, depth } = content;
  if (depth >= MAX_PARTS_DEPTH) return null;
  return redactMultipart(text, contentType, {
    rules,
    path,
    found,
    content: (part, partType, partPath) => {
      if (part === '') return part;
      const bytes = Buffer.from(part, 'latin1');
      const claims = { contentType: partType, contentEncoding: '', truncated: false };
      const shown = redactAt(depth + 1, bytes, claims, rules, partPath, found);
      return shown === null ? null : Buffer.from(shown).toString('latin1');
    },
  });
}

/** No claim: what looks like JSON, parts or a form is treated as such, anything else is searched for names and values. */
function redactOther(text: string, content: TextContent, path: string): string | null {
  const { rules, found, truncated } = content;
  if (xmlEncoding(text) === 'odd') return null;
  if (looksLikeJson(text)) {
    const json = truncated || text.length > MAX_PARSED_BYTES ? null : redactJson(text, rules, path, found);
    if (json !== null) return json;
    if (rules.mentionsField(text) || (truncated && LABELLED.test(text))) return null;
  }
  if (namesParts(text) && rules.mentionsField(text)) return truncated ? null : redactUntypedParts(text, content, path);
  const isLarge = text.length > MAX_PARSED_BYTES;
  if (isLarge && !content.isBinary && NAMES_SOMETHING.test(text)) return null;
  const shown = content.isBinary || isLarge ? redactBytes(text, isLarge, rules) : redactPlain(text, content, path);
  if (shown === null) return null;
  const whole = truncated ? rules.cut(shown) : shown;
  if (whole !== text) found(path);
  return whole;
}

function redactPlain(text: string, { rules, found }: TextContent, path: string): string {
  return looksLikeForm(text) ? redactPairs(text, rules, path, found) : rules.content(text);
}

/** Its name may have been behind the cut. */
const LABELLED = /["'](?:value|values|val|content)["']\s*:/i;
/** What stands between every name and its value. */
const NAMES_SOMETHING = /[=:<]/;

/** Where a value beside a name would end is not known. */
function redactBytes(text: string, isLarge: boolean, rules: RedactRules): string | null {
  if (isLarge ? rules.containsField(text) : rules.mentionsField(text)) return null;
  const shown = isLarge || CONTROLS.test(text) ? rules.values(text) : rules.content(text);
  if (!WIDE_RUN.test(shown)) return shown;
  const narrow = shown.replaceAll('\0', '');
  return rules.content(narrow) === narrow && !rules.mentionsField(narrow) ? shown : null;
}

/** Wide characters without a mark: a NUL before or behind each. */
const WIDE_RUN = /(?:[ -~]\0{1,3}){6}|(?:\0{1,3}[ -~]){6}/;

/** By the delimiter that its first line is. */
function redactUntypedParts(text: string, content: TextContent, path: string): string | null {
  const boundary = /^[\r\n]*--([^\r\n"\\]{1,200}?)[ \t]*\r?\n/.exec(text)?.[1];
  if (boundary === undefined) return null;
  const contentType = `multipart/form-data; boundary="${boundary}"`;
  const latin1 = Buffer.from(text, content.encoding).toString('latin1');
  const shown = redactParts(latin1, { ...content, contentType }, path);
  return shown === null ? null : Buffer.from(shown, 'latin1').toString(content.encoding);
}

const looksLikeForm = (text: string): boolean => text.length < 1 << 20 && /^[^\s=&<>"]{1,128}=[^\s<>"]*$/.test(text);

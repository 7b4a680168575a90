/** What is secret: names of headers and fields, and values that show by their form what they are. */
import type { ProcessSettings } from '../settings.ts';
import { spend } from './redact-budget.ts';
import { redactElements } from './redact-elements.ts';
import { redactNamed, unescapeText } from './redact-named.ts';
import { redactCutPatterns, redactPatterns } from './redact-patterns.ts';

export type RedactSettings = ProcessSettings['capture']['redact'];

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** Told where something was taken out: `headers.authorization`, `body.user.password`, `query.token`. */
export type Found = (path: string) => void;

export interface RedactRules {
  isSecretHeader(name: string): boolean;
  /** Of a header: it is not itself a value of secret form. */
  isPlainName(name: string): boolean;
  /** Also for `user[password]` and `user.password`: each part counts. */
  isSecretField(name: string): boolean;
  /** The text without values of secret form, credentials in URLs and `name=value` of secret names. */
  text(text: string): string;
  /** The same for what people or programs wrote into a body: also `name: value` in lines, and elements of XML. */
  content(text: string): string;
  /** Without values of secret form and credentials in URLs, as far as they stand there in plain. */
  values(text: string): string;
  /** `content` for a part of a text from which `values` takes nothing. */
  named(text: string): string;
  /** What was cut off: the start of a value of secret form at its end goes, too. It has been through `content`. */
  cut(text: string): string;
  /** Whether a name of a secret field stands anywhere in it, in any escaping. */
  mentionsField(text: string): boolean;
  /** Whether one stands there as it is listed, but for its case: for bytes in which there is no escaping. */
  containsField(text: string): boolean;
}

/** After the end of a scheme, or of what stands for one, and without control characters: bytes of a picture are no URL. */
const CREDENTIALS = /(?<=[\w+.}-]):\/\/[^/?#\s"'<>\p{Cc}]+@/gu;
/** Between what separates in URLs and texts. */
const PIECE = /[^\s"'<>,/&?;=#]+/g;
const BETWEEN = /[\s"'<>,/&?;=#]+/g;
/** What is encoded is often a URL in a URL in a URL. */
const MAX_DECODED = 3;

export function redactRules({ headers, fields, patterns }: RedactSettings): RedactRules {
  const headerNames = new Set(headers.map(plainName).filter(Boolean));
  const fieldNames = new Set(fields.map(plainName).filter(Boolean));
  const isSecretField = remember(
    (name) => fieldNames.has(plainName(name)) || name.split(NAME_PARTS).some((part) => fieldNames.has(plainName(part))),
  );
  const isSecretHeader = remember((name) => {
    const plain = plainName(name);
    return headerNames.has(plain) || fieldNames.has(plain) || (plain.startsWith('x') && fieldNames.has(plain.slice(1)));
  });
  const fieldNeedles = shortest(fieldNames);
  const listed = shortest(new Set(fields.map((name) => name.toLowerCase()).filter(Boolean)));
  const needles = shortest(new Set([...headerNames, ...fieldNames]));
  const values = (text: string): string => {
    spend(text.length);
    const shown = redactPatterns(text, patterns);
    return shown.includes('://') ? shown.replace(CREDENTIALS, `://${REDACTED}@`) : shown;
  };
  const named = (text: string, lines: boolean): string => {
    spend(text.length);
    if (!/[=:<\uff1d\uff1a]|&lt;/.test(text) || !mentions(text, needles)) return text;
    const bare = lines ? redactElements(text, isSecretField) : text;
    return redactNamed(bare, { isSecretField, isSecretHeader }, lines);
  };
  const plain = (text: string, lines: boolean): string => (text.length < 3 ? text : named(values(text), lines));
  const whole = (text: string, lines: boolean): string => {
    const shown = plain(text, lines);
    return shown.includes('%') ? redactEncoded(shown, (piece) => plain(piece, lines)) : shown;
  };
  return {
    isSecretHeader,
    isSecretField,
    text: (text) => whole(text, false),
    content: (text) => whole(text, true),
    values,
    isPlainName: remember((name) => values(name) === name),
    named: (text) => named(text, true),
    cut: (text) => redactCutPatterns(text, patterns),
    mentionsField: (text) => mentions(text, fieldNeedles),
    containsField: (text) => {
      const lower = text.toLowerCase();
      return listed.some((name) => lower.includes(name));
    },
  };
}

/** Without the pieces that show a secret when they are decoded. */
function redactEncoded(text: string, redact: (text: string) => string): string {
  // Together, but apart, they show what any of them shows: most have nothing to look for.
  if (!showsDecoded(text.replace(BETWEEN, '\n'), redact)) return text;
  return text.replace(PIECE, (piece) => (piece.includes('%') && showsDecoded(piece, redact) ? REDACTED : piece));
}

function showsDecoded(text: string, redact: (text: string) => string): boolean {
  let decoded = text;
  for (let round = 0; round < MAX_DECODED && decoded.includes('%'); round += 1) {
    const next = decodePercent(decoded);
    if (next === decoded) return false;
    decoded = next;
    if (redact(decoded) !== decoded) return true;
  }
  return false;
}

/** Of a query or form, `+` for space included; what is not valid UTF-8 is taken byte by byte. */
export function decodeComponent(text: string): string {
  return decodePercent(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
}

/** `API-Key`, `api_key` and `apiKey` are one name. */
const plainName = (name: string): string => name.toLowerCase().replace(/[\0-/:-`{-\x7f]+/g, '');
/** What puts names together: `user[password]`, `user.password`, `auth:password`, `$x/password`. */
const NAME_PARTS = /[\][.:/|$@#>(){}]+/;

/** Names in which no other stands. */
const shortest = (names: ReadonlySet<string>): readonly string[] =>
  [...names].filter((name) => ![...names].some((other) => other !== name && name.includes(other)));

/** Bounds what the plain form of a large text takes. */
const SLICE = 65_536;
const OVERLAP = 1024;

function mentions(text: string, needles: readonly string[]): boolean {
  if (text.length <= SLICE) return mentionsIn(text, needles);
  for (let from = 0; from < text.length; from += SLICE - OVERLAP) {
    if (mentionsIn(text.slice(from, from + SLICE), needles)) return true;
  }
  return false;
}

function mentionsIn(text: string, needles: readonly string[]): boolean {
  spend(text.length);
  const unescaped = text.includes('\\') ? unescapeText(text) : text;
  const decoded = unescaped.includes('%') ? decodeComponent(unescaped) : unescaped;
  const plain = plainName(decoded);
  for (const needle of needles) if (plain.includes(needle)) return true;
  return false;
}

const REMEMBERED = 2000;
const LONGEST_REMEMBERED = 128;

/** The same names come with every request. */
function remember(ask: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const answer = ask(name);
    if (name.length >= LONGEST_REMEMBERED) return answer;
    // Names that somebody makes up must not keep those in use out for ever.
    if (known.size >= REMEMBERED) known.clear();
    known.set(name, answer);
    return answer;
  };
}

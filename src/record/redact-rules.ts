/** What is secret: names of headers and fields, and values that show by their form what they are. */
import type { ProcessSettings } from '../settings.ts';
import { redactPatterns } from './redact-patterns.ts';

export type RedactSettings = ProcessSettings['capture']['redact'];

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** Told where something was taken out: `headers.authorization`, `body.user.password`, `query.token`. */
export type Found = (path: string) => void;

export interface RedactRules {
  isSecretHeader(name: string): boolean;
  /** Also for `user[password]` and `user.password`: each part counts. */
  isSecretField(name: string): boolean;
  /** The text without values of secret form, credentials in URLs and `name=value` of secret names. */
  text(text: string): string;
  /** Whether a name of a secret field stands anywhere in it. */
  mentionsField(text: string): boolean;
}

/** `name=value` as in URLs, cookies and messages. Bounded, so that no input makes it slow. */
const PAIR = /(^|[?&;,\s"'({[])([^=&;,#\s"'<>?(){}]{1,128})=("[^"]*"?|'[^']*'?|[^&;,#\s"'<>]*)/g;
/** After the end of a scheme, or of what stands for one, and without control characters: bytes of a picture are no URL. */
const CREDENTIALS = /(?<=[\w+.}-]):\/\/[^/?#\s"'<>\p{Cc}]{1,1024}@/gu;

export function redactRules({ headers, fields, patterns }: RedactSettings): RedactRules {
  const headerNames = new Set(headers.map(plainName));
  const fieldNames = new Set(fields.map(plainName));
  const isSecretField = remember(
    (name) => fieldNames.has(plainName(name)) || name.split(/[[\].]+/).some((part) => fieldNames.has(plainName(part))),
  );
  const secretPair = (whole: string, before: string, name: string, value: string): string =>
    value !== '' && isSecretField(decodeComponent(name)) ? `${before}${name}=${REDACTED}` : whole;
  return {
    isSecretHeader: remember((name) => headerNames.has(plainName(name)) || fieldNames.has(plainName(name))),
    isSecretField,
    text: (text) => {
      const shown = redactPatterns(text, patterns);
      const bare = shown.includes('://') ? shown.replace(CREDENTIALS, `://${REDACTED}@`) : shown;
      return bare.includes('=') ? bare.replace(PAIR, secretPair) : bare;
    },
    mentionsField: (text) => {
      const plain = plainName(text);
      return [...fieldNames].some((name) => plain.includes(name));
    },
  };
}

/** Of a query or form, `+` for space included; what is not valid UTF-8 is taken byte by byte. */
export function decodeComponent(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return spaced.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
}

/** `API-Key`, `api_key` and `apiKey` are one name. */
const plainName = (name: string): string => name.toLowerCase().replace(/[-_.\s]/g, '');

const REMEMBERED = 2000;
const LONGEST_REMEMBERED = 128;

/** The same names come with every request. */
function remember(ask: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const answer = ask(name);
    if (known.size < REMEMBERED && name.length < LONGEST_REMEMBERED) known.set(name, answer);
    return answer;
  };
}

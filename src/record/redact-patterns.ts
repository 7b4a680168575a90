/** Values that are secret wherever they stand. Every expression is linear or bounded: bodies come from anyone. */
import { redactCards, redactCutCard } from './redact-cards.ts';
import type { RedactSettings } from './redact-rules.ts';

type Pattern = RedactSettings['patterns'][number];

const MARK = '[redacted]';
/**
 * RFC 6750 section 2.1 allows b64token only, but tokens such as `17|abc` are in use, so it ends where a value does. A
 * challenge (RFC 6750 section 3) names parameters and holds no secret.
 */
const BEARER = /(?<![A-Za-z])(bearer)([ \t]+|%20|\+)(?!(?:realm|scope|error\w*|charset)=)[^\s"'`<>,;&\\)\]}]+/gi;
/** RFC 7617: the scheme, and what decodes to `user:password`. */
const BASIC = /(?<![A-Za-z])(basic)([ \t]+|%20|\+)([A-Za-z0-9+/_-]{4,}(?:=|%3D){0,2})/gi;
/** RFC 7519: parts of base64url with points between; `eyJ` is `{"` encoded, `ey` and `ew` a `{` with a space behind. */
const TOKEN_RUN = /[\w.-]{20,}/g;
/** RFC 7468, OpenPGP's armour and that of RFC 4716; one without its end reaches to the end of the text. */
const PRIVATE_KEY =
  /-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}[\s\S]*?(?:-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|$)/g;
/** The same as base64, as Kubernetes keeps it. */
const ENCODED_KEY = /LS0tLS1CRUdJTi[A-Za-z0-9+/_\s]{20,}={0,2}/g;
/** Access key ids of AWS; a secret access key (40 characters) and a session token are known by what stands before. */
const AWS_ID = /(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Z0-9])/g;
const AWS_SECRET = /(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40,}/g;
const AWS_NAME = /(?:aws[^\n]{0,30}?(?:secret|key)|secret[-_ .]?access[-_ .]?key)[^\n]{0,40}$/i;
const BEFORE_SECRET = 100;

const REPLACE: Readonly<Record<Pattern, (text: string) => string>> = {
  // What is too short, or lacks what each match has, is not searched: most texts are short values of JSON.
  bearer: (text) => redactCredentials(text),
  jwt: (text) => (text.length >= 20 && hasToken(text) ? text.replace(TOKEN_RUN, redactToken) : text),
  'private-key': redactKey,
  'aws-key': redactAws,
  'card-number': redactCards,
};

/** For where the configuration is not at hand. */
export const ALL_PATTERNS: readonly Pattern[] = ['bearer', 'jwt', 'private-key', 'aws-key', 'card-number'];

export function redactPatterns(text: string, patterns: readonly Pattern[]): string {
  if (text.length < 8) return text;
  let shown = text;
  for (const pattern of patterns) shown = REPLACE[pattern](shown);
  return shown;
}

function redactCredentials(text: string): string {
  if (!SCHEME.test(text)) return text;
  return text
    .replace(BEARER, `$1$2${MARK}`)
    .replace(BASIC, (whole, scheme: string, gap: string, value: string) =>
      Buffer.from(value, 'base64').includes(':') ? `${scheme}${gap}${MARK}` : whole,
    );
}

const SCHEME = /(?:bearer|basic)[ \t%+]/i;

const hasToken = (text: string): boolean =>
  text.includes('eyJ') || (text.includes('.') && /e[wy][A-Za-z0-9]/.test(text));

/** A header of a JWT followed by two more parts; the last may be empty (an unsecured one). */
function redactToken(run: string, at: number, text: string): string {
  const parts = run.split('.');
  const isSecret = parts.some(
    (part, index) => index + 2 < parts.length && (parts[index + 1] ?? '') !== '' && isTokenHead(part),
  );
  return isSecret ? markRun(run, at, text) : run;
}

/** Where it follows `%20`, the digits are not its own. */
const markRun = (run: string, at: number, text: string): string => (text[at - 1] === '%' ? run.slice(0, 2) : '') + MARK;

/** The rest of a run is no base64 only where something was written before the token without a break. */
function isTokenHead(part: string): boolean {
  if (part.includes('eyJ')) return true;
  const from = part.search(/e[wy]/);
  return from >= 0 && part.length < 4096 && Buffer.from(part.slice(from), 'base64url').includes('"alg"');
}

function redactKey(text: string): string {
  const bare = text.includes('BEGIN ') ? text.replace(PRIVATE_KEY, MARK) : text;
  if (!bare.includes('LS0tLS1CRUdJTi')) return bare;
  return bare.replace(ENCODED_KEY, (run) =>
    Buffer.from(run.slice(0, 120), 'base64').includes('PRIVATE KEY') ? MARK : run,
  );
}

function redactAws(text: string): string {
  if (text.length < 20) return text;
  const bare = /A[KSBC3][ICT]/.test(text) ? text.replace(AWS_ID, MARK) : text;
  if (!/aws|access/i.test(bare)) return bare;
  return bare.replace(AWS_SECRET, (run, at: number) =>
    AWS_NAME.test(bare.slice(Math.max(0, at - BEFORE_SECRET), at)) ? markRun(run, at, bare) : run,
  );
}

/** A secret of which only the start is there, at the end of a text that was cut off. */
const CUT: Readonly<Record<Pattern, (text: string) => string>> = {
  // Cut off or not is one for a token; what decodes to less than `user:` shows no password.
  bearer: (text) =>
    text.replace(/((?<![A-Za-z])basic(?:[ \t]+|%20|\+))[A-Za-z0-9+/_-]{4,1024}(?:=|%3D?)?$/i, `$1${MARK}`),
  jwt: (text) => text.replace(/(?<![\w.-])e[wy][\w-]{6,8192}(?:\.[\w-]{0,65536}){0,2}$/, MARK),
  'private-key': (text) =>
    text
      .replace(/-{4,5} ?BEGIN[A-Z0-9 ]{0,60}-{0,5}$/, MARK)
      .replace(/(?:LS0tLS1CRUdJTi)[A-Za-z0-9+/_\s]{0,80}$/, MARK),
  'aws-key': (text) =>
    text
      .replace(/(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{0,15}$/, MARK)
      .replace(/(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{4,39}$/, (run, at: number) =>
        AWS_NAME.test(text.slice(Math.max(0, at - BEFORE_SECRET), at)) ? MARK : run,
      ),
  'card-number': redactCutCard,
};

/** Longer than what can be left of any pattern but a token, whose start shows what it is. */
const TAIL = 80_000;

/** `text` has been through `redactPatterns` and was cut off behind its last character. */
export function redactCutPatterns(text: string, patterns: readonly Pattern[]): string {
  const from = Math.max(0, text.length - TAIL);
  let tail = text.slice(from);
  for (const pattern of patterns) tail = CUT[pattern](tail);
  return text.slice(0, from) + tail.replace(/:\/\/[^/?#\s"'<>@]{1,1024}:[^/?#\s"'<>@]{0,1024}$/, `://${MARK}`);
}

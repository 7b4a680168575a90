/** Values that are secret wherever they stand. Every expression is linear or bounded: bodies come from anyone. */
import type { RedactSettings } from './redact-rules.ts';

type Pattern = RedactSettings['patterns'][number];

const MARK = '[redacted]';
/** RFC 6750 section 2.1: b64token. */
const BEARER = /\b(bearer)([ \t]+|%20|\+)[A-Za-z0-9\-._~+/]+=*/gi;
/** RFC 7519: parts of base64url with points between; `eyJ` is `{"` encoded. */
const TOKEN_RUN = /[\w.-]{20,}/g;
/** RFC 7468, and OpenPGP's armour; one without its end reaches to the end of the text. */
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g;
/** Access key ids of AWS, and a secret access key beside its name. */
const AWS_ID = /\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b/g;
const AWS_SECRET = /(aws.{0,20}?(?:secret|key)[^\n]{0,20}?[:=]\s{0,4}["']?)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/gi;
const DIGITS = /(?<![\d.])\d(?:[ -]?\d){11,18}(?![\d])/g;

const REPLACE: Readonly<Record<Pattern, (text: string) => string>> = {
  // What is too short, or lacks what each match has, is not searched: most texts are short values of JSON.
  bearer: (text) => (text.length > 7 && / |\t|\+|%20/.test(text) ? text.replace(BEARER, `$1$2${MARK}`) : text),
  jwt: (text) => (text.includes('eyJ') ? text.replace(TOKEN_RUN, (run) => (isToken(run) ? MARK : run)) : text),
  'private-key': (text) => (text.includes('-----BEGIN') ? text.replace(PRIVATE_KEY, MARK) : text),
  'aws-key': (text) => (text.length < 20 ? text : text.replace(AWS_ID, MARK).replace(AWS_SECRET, `$1${MARK}`)),
  'card-number': (text) => (text.length < 12 ? text : text.replace(DIGITS, maskCard)),
};

const maskCard = (run: string): string => (isCardNumber(run.replace(/[ -]/g, '')) ? MARK : run);

export function redactPatterns(text: string, patterns: readonly Pattern[]): string {
  return patterns.reduce((rest, pattern) => REPLACE[pattern](rest), text);
}

/** A header of a JWT followed by two more parts; the last may be empty (an unsecured one). */
function isToken(run: string): boolean {
  const parts = run.split('.');
  return parts.some(
    (part, index) => part.includes('eyJ') && index + 2 < parts.length && (parts[index + 1] ?? '') !== '',
  );
}

/** Prefixes and lengths of ISO/IEC 7812 issuers in use, so that numbers that only happen to add up stay. */
const ISSUERS: readonly RegExp[] = [
  /^4(?:\d{12}|\d{15}|\d{18})$/,
  /^(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})$/,
  /^3[47]\d{13}$/,
  /^(?:6011\d{12}|65\d{14}|64[4-9]\d{13})$/,
  /^3(?:0[0-5]|[68]\d)\d{11}$/,
  /^35(?:2[89]|[3-8]\d)\d{12}$/,
  /^(?:62|50|5[6-9]|6[37])\d{14,17}$/,
];

function isCardNumber(digits: string): boolean {
  return ISSUERS.some((issuer) => issuer.test(digits)) && isLuhnValid(digits);
}

/** ISO/IEC 7812-1 annex B. */
function isLuhnValid(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

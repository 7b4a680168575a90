/** Secrets out of queries and forms (application/x-www-form-urlencoded, WHATWG URL standard section 5). */
import { looksLikeJson, redactJson } from './redact-json.ts';
import { decodeComponent, type Found, REDACTED, type RedactRules } from './redact-rules.ts';

/** `text` is what stands behind the `?`, or the form's body; `path` is `query` or `body`. */
export function redactPairs(text: string, rules: RedactRules, path: string, found: Found): string {
  // Nothing that no part shows is shown by all of them together: one search instead of one for each.
  const decoded = decodeComponent(text);
  const clean = rules.content(decoded) === decoded && (!text.includes('+') || rules.content(text) === text);
  let shown = '';
  let copied = 0;
  for (let from = 0; from < text.length; ) {
    // A semicolon separates for some servers (HTML 4.01 appendix B.2.2), and a secret behind one must not pass.
    PAIR_END.lastIndex = from;
    const to = PAIR_END.exec(text)?.index ?? text.length;
    const pair = to === from ? '' : redactPair(text.slice(from, to), { rules, path, found, clean });
    if (pair !== null && to !== from) {
      shown += text.slice(copied, from) + pair;
      copied = to;
    }
    from = to + 1;
  }
  return copied === 0 ? text : shown + text.slice(copied);
}

const PAIR_END = /[&;]/g;
/** Of a longer one the end tells: `a[…][password]`. */
const LONGEST_NAME = 4096;

interface PairContent {
  readonly rules: RedactRules;
  readonly path: string;
  readonly found: Found;
  /** No name and no value has the form of a secret. */
  readonly clean: boolean;
}

/** null: nothing is secret. */
function redactPair(pair: string, { rules, path, found, clean }: PairContent): string | null {
  const equals = pair.indexOf('=');
  const rawName = equals < 0 ? pair : pair.slice(0, equals);
  const name = decodeComponent(rawName.slice(-LONGEST_NAME));
  if (!clean && rules.text(name) !== name) {
    found(`${path}.${REDACTED}`);
    return REDACTED;
  }
  const rawValue = equals < 0 ? '' : pair.slice(equals + 1);
  if (rawValue === '') return null;
  const isSecret = rules.isSecretField(name);
  if (clean && !isSecret) return null;
  const shown = isSecret ? REDACTED : redactValue(name, rawValue, rules, `${path}.${name}`, found);
  if (isSecret || shown === REDACTED) found(`${path}.${name}`);
  return shown === rawValue ? null : `${rawName}=${shown}`;
}

function redactValue(name: string, rawValue: string, rules: RedactRules, path: string, found: Found): string {
  const value = decodeComponent(rawValue);
  const json = looksLikeJson(value) ? redactJson(value, rules, path, found) : null;
  if (json !== null) return json === value ? rawValue : encodeURIComponent(json);
  // As it is, too: a plus sign is a space only where a form is read.
  const pairs = [`${name}=${value}`, ...(rawValue.includes('+') ? [`${name}=${rawValue}`] : [])];
  return pairs.every((pair) => rules.content(pair) === pair) ? rawValue : REDACTED;
}

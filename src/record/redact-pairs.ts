/** Secrets out of queries and forms (application/x-www-form-urlencoded, WHATWG URL standard section 5). */
import { looksLikeJson, redactJson } from './redact-json.ts';
import { decodeComponent, type Found, REDACTED, type RedactRules } from './redact-rules.ts';

/** `text` is what stands behind the `?`, or the form's body; `path` is `query` or `body`. */
export function redactPairs(text: string, rules: RedactRules, path: string, found: Found): string {
  // A semicolon separates for some servers (HTML 4.01 appendix B.2.2), and a secret behind one must not pass.
  const parts = text.split(/([&;])/);
  return parts.map((part, index) => (index % 2 === 1 ? part : redactPair(part, rules, path, found))).join('');
}

function redactPair(pair: string, rules: RedactRules, path: string, found: Found): string {
  const equals = pair.indexOf('=');
  const rawName = equals < 0 ? pair : pair.slice(0, equals);
  const name = decodeComponent(rawName);
  if (rules.text(name) !== name) {
    found(`${path}.${REDACTED}`);
    return REDACTED;
  }
  if (equals < 0) return pair;
  const rawValue = pair.slice(equals + 1);
  const shown = redactValue(name, rawValue, rules, `${path}.${name}`, found);
  return shown === rawValue ? pair : `${rawName}=${shown}`;
}

function redactValue(name: string, rawValue: string, rules: RedactRules, path: string, found: Found): string {
  if (rawValue === '') return rawValue;
  const value = decodeComponent(rawValue);
  if (!rules.isSecretField(name)) {
    const json = looksLikeJson(value) ? redactJson(value, rules, path, found) : null;
    if (json !== null) return json === value ? rawValue : encodeURIComponent(json);
    if (rules.text(value) === value) return rawValue;
  }
  found(path);
  return REDACTED;
}

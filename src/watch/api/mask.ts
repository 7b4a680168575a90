/** The running configuration as it may be shown: its shape whole, its secrets not. */
import { ALL_PATTERNS, redactPatterns } from '../../record/redact-patterns.ts';
import type { Settings } from '../../settings.ts';

const MASK = '***';
/** Names of header fields, query parameters and form fields whose literal values are never shown. */
const SECRET_NAME = /auth|cookie|credential|key|passw|secret|session|signature|token/i;
/** Below these, names are those of fields and parameters that people chose; elsewhere they are keys of ours. */
const NAMED_BY_PEOPLE = new Set(['headers', 'query', 'set', 'add']);

/** Values of secret-looking fields keep their templates and lose their literals; URLs lose their credentials. */
export function maskSettings(settings: Settings): unknown {
  const { headers, fields } = settings.process.capture.redact;
  const listed = new Set([...headers, ...fields].map((name) => name.toLowerCase()));
  const isSecret = (name: string): boolean => SECRET_NAME.test(name) || listed.has(name.toLowerCase());
  return maskValue(settings, false, isSecret);
}

function maskValue(value: unknown, named: boolean, isSecret: (name: string) => boolean): unknown {
  if (typeof value === 'string') return maskUrls(value, isSecret);
  if (Array.isArray(value)) return value.map((item) => maskValue(item, named, isSecret));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (named && isSecret(name)) return [name, maskLiterals(inner)];
      return [name, maskValue(inner, NAMED_BY_PEOPLE.has(name), isSecret)];
    }),
  );
}

/** `Bearer ${file:/run/token|s3cret}` as `Bearer ${file:/run/token|***}`; `Basic dXNlcg==` as `Basic ***`. */
function maskLiterals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskLiterals);
  if (typeof value !== 'string') return value;
  const scheme = /^(?:Basic|Bearer|Digest|Negotiate|Token) +/i.exec(value)?.[0] ?? '';
  const parts = value.slice(scheme.length).split(/(\$?\$\{[^}]*\})/);
  const shown = parts.map((part) => {
    if (part.startsWith('${')) return part.replace(/\|[^}]*/, `|${MASK}`);
    return part === '' ? '' : MASK;
  });
  return scheme + shown.join('');
}

/** Credentials and secret parameters of what looks like a URL, values of secret form, and nothing else of other text. */
function maskUrls(text: string, isSecret: (name: string) => boolean): string {
  // What a template names is no secret itself.
  const bare = text.includes('${') ? text : redactPatterns(text, ALL_PATTERNS);
  return bare
    .replace(/:\/\/[^/?#\s]*@/g, `://${MASK}@`)
    .replace(/([?&])([^=&#\s?]+)=([^&#\s]*)/g, (whole, before: string, name: string) =>
      isSecret(name) ? `${before}${name}=${MASK}` : whole,
    );
}

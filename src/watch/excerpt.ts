/** The first bytes of a refused request for a log line: enough to see what is wrong with it, and no secret. */
import { ALL_PATTERNS, redactCutPatterns, redactPatterns } from '../record/redact-patterns.ts';

/** Bytes of a refused request that a log line may show. */
export const EXCERPT_BYTES = 200;
const MASK = '[redacted]';
/** Of something that is no request: enough to tell TLS or another protocol. */
const MAX_UNKNOWN_BYTES = 32;

/** Fields that say why a request was refused. Everything else is masked: a list of secrets is never complete. */
const SHOWN_FIELDS = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);

/**
 * `bytes` (latin1) cut, escaped and masked: of the request target the query and credentials, of the fields all values
 * but those about framing, of a body everything. One line, printable ASCII only.
 */
export function maskExcerpt(bytes: string): string {
  const [first = '', ...rest] = bytes.slice(0, EXCERPT_BYTES).split(/\r\n|\n|\r/);
  const end = rest.indexOf('');
  const fields = end < 0 ? rest : rest.slice(0, end);
  const body = end < 0 ? '' : rest.slice(end + 1).join('');
  const head = [maskStartLine(first), ...maskFields(fields), ...(end < 0 ? [] : ['', body === '' ? '' : MASK])];
  const shown = redactPatterns(head.join('\r\n'), ALL_PATTERNS);
  // Of what the excerpt's end cuts, the start is no more to be shown than the whole.
  return escapeUnprintable(bytes.length < EXCERPT_BYTES ? shown : redactCutPatterns(shown, ALL_PATTERNS));
}

function maskFields(lines: readonly string[]): string[] {
  let masked = true;
  return lines.map((line) => {
    // A continuation belongs to the field above (obs-fold, RFC 9112 section 5.2).
    const continued = /^[ \t]/.test(line);
    if (!continued) masked = !SHOWN_FIELDS.has(fieldName(line));
    return masked ? maskValue(line, continued) : line;
  });
}

const fieldName = (line: string): string =>
  line
    .slice(0, Math.max(0, line.indexOf(':')))
    .trim()
    .toLowerCase();

function maskValue(line: string, continued: boolean): string {
  const colon = line.indexOf(':');
  return continued || colon < 0 ? MASK : `${line.slice(0, colon)}: ${MASK}`;
}

/** `GET http://user:pw@host/path?token=x HTTP/1.1` without what may be secret; what is no request keeps its start. */
function maskStartLine(line: string): string {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ +(?:\/|\*|https?:)/.test(line)) return maskTarget(line);
  const shown = Math.min(MAX_UNKNOWN_BYTES, line.search(/[:=]/) + 1 || line.length);
  return shown < line.length ? `${line.slice(0, shown)}${MASK}` : line;
}

/** A request target, or a line with one, without its query's values, fragment, credentials and `name=value` in its path. */
export function maskTarget(target: string): string {
  const bare = target
    .replace(/[^?#\s]+/g, maskCredentials)
    .replace(/^[^?#]+/, (path) => path.replace(/[^/\s]+/g, maskSegment));
  const query = bare.search(/[?#]/);
  if (query < 0) return bare;
  // Only what follows the last space can be the version: a raw space in a query must not show what is after it.
  const version = /[ \t]HTTP\/[0-9.]{1,5}$/.exec(bare)?.[0] ?? '';
  return `${bare.slice(0, query + 1)}${MASK}${version}`;
}

/** A password may hold a slash or an at sign. */
function maskCredentials(run: string): string {
  const slashes = run.indexOf('//');
  const at = run.lastIndexOf('@');
  return slashes >= 0 && at > slashes ? `${run.slice(0, slashes)}//${MASK}${run.slice(at)}` : run;
}

const maskSegment = (segment: string): string => (/[=;]|%3[bd]/i.test(segment) ? MASK : segment);

function escapeUnprintable(text: string): string {
  return text.replace(/[^ -~]/g, (character) => {
    if (character === '\r') return '\\r';
    if (character === '\n') return '\\n';
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

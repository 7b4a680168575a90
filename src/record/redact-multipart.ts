/** Secrets out of multipart bodies (RFC 2046 section 5.1, RFC 7578), part by part; the rest keeps its bytes. */
import { mediaType } from './redact-media.ts';
import { decodeComponent, type Found, REDACTED, type RedactRules } from './redact-rules.ts';

export interface MultipartOptions {
  readonly rules: RedactRules;
  readonly path: string;
  readonly found: Found;
  /** The content of one part by its own type; null when that can't be parsed. */
  readonly content: (bytes: string, contentType: string, path: string) => string | null;
}

interface Part {
  readonly head: string;
  readonly gap: string;
  readonly content: string;
}

/** `text`: the bytes as latin1. null: not of that form, or a part that can't be looked into. */
export function redactMultipart(text: string, contentType: string, options: MultipartOptions): string | null {
  const { boundary } = mediaType(contentType);
  const marks = boundary === '' ? null : delimiters(text, `--${boundary}`);
  const last = marks?.at(-1);
  if (marks === null || last === undefined || !last.closes) return null;
  const isForm = /^\s*multipart\/form-data/i.test(contentType);
  const out = [options.content(text.slice(0, marks[0]?.from ?? 0), '', options.path)];
  for (const [index, mark] of marks.entries()) {
    const next = marks[index + 1];
    out.push(text.slice(mark.from, mark.to));
    if (next !== undefined) out.push(redactPart(text.slice(mark.to, next.from), isForm, options));
    if (out.at(-1) === null) return null;
  }
  out.push(options.content(text.slice(last.to), '', options.path));
  return out.includes(null) ? null : out.join('');
}

/** Whether it could be parts for a reader that knows their delimiter. */
export const namesParts = (text: string): boolean => text.includes('--') && /content-disposition\s{0,8}:/i.test(text);

interface Delimiter {
  readonly from: number;
  readonly to: number;
  readonly closes: boolean;
}

/**
 * Places of the delimiter lines, the line ends around them included; nothing after a closing one counts. null: some
 * readers would see one where others see none.
 */
function delimiters(text: string, dashes: string): Delimiter[] | null {
  const marks: Delimiter[] = [];
  for (let at = text.indexOf(dashes); at >= 0; at = text.indexOf(dashes, at + dashes.length)) {
    const line = text.slice(at + dashes.length, at + dashes.length + 80);
    const rest = /^(--)?[ \t]*(?:\r?\n|$)/.exec(line);
    const beginsLine = at === 0 || text[at - 1] === '\n';
    if (rest === null || !beginsLine) {
      if (beginsLine ? /^(?:--)?[ \t\r]/.test(line) : rest !== null || text[at - 1] === '\r') return null;
      continue;
    }
    if (marks.at(-1)?.closes === true) return null;
    // The line end before belongs to the delimiter; that after an opening one to it too.
    const before = text.slice(Math.max(0, at - 2), at) === '\r\n' ? 2 : Math.min(at, 1);
    marks.push({ from: at - before, to: at + dashes.length + rest[0].length, closes: rest[1] !== undefined });
  }
  return marks;
}

/** `isForm`: each part is a field, and has a name. */
function redactPart(text: string, isForm: boolean, options: MultipartOptions): string | null {
  const part = splitPart(text);
  if (part === null) return null;
  const fields = part.head === '' ? [] : part.head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  const fieldOf = (name: string): string =>
    fields.flatMap((line) => (fieldName(line) === name ? [line.slice(line.indexOf(':') + 1).trim()] : [])).join(', ');
  // What base64, quoted-printable or gzip hides can't be looked for.
  if (!/^(?:7bit|8bit|binary)?$/i.test(fieldOf('content-transfer-encoding'))) return null;
  if (!/^(?:identity)?$/i.test(fieldOf('content-encoding'))) return null;
  const names = namesOf(fieldOf('content-disposition'));
  if (names === null || (names.length === 0 && isForm)) return null;
  const shownName = options.rules.text(names[0] ?? 'part');
  const path = `${options.path}.${shownName}`;
  const head = redactHead(part.head, options);
  if (names.some((name) => options.rules.isSecretField(name))) {
    options.found(path);
    return head + part.gap + REDACTED;
  }
  const content = options.content(part.content, fieldOf('content-type'), path);
  return content === null ? null : head + part.gap + content;
}

const fieldName = (line: string): string =>
  line
    .slice(0, Math.max(0, line.indexOf(':')))
    .trim()
    .toLowerCase();

function splitPart(text: string): Part | null {
  if (/^\r?\n/.test(text))
    return { head: '', gap: text.startsWith('\r') ? '\r\n' : '\n', content: text.replace(/^\r?\n/, '') };
  const blank = /\r?\n\r?\n/.exec(text);
  if (blank === null) return null;
  const head = text.slice(0, blank.index);
  // Some end a line at a lone carriage return, and would read other fields.
  if (/\r(?!\n)/.test(head)) return null;
  return { head, gap: blank[0], content: text.slice(blank.index + blank[0].length) };
}

function redactHead(head: string, { rules, path, found }: MultipartOptions): string {
  return head.replace(/^([^:\r\n]+):([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)/gm, (line, name: string, value: string) => {
    const shown = rules.isSecretHeader(name.trim()) ? ` ${REDACTED}` : rules.text(value);
    if (shown === value) return line;
    found(`${path}.headers.${name.trim().toLowerCase()}`);
    return `${name}:${shown}`;
  });
}

const NAME = /[;,\s]name(\*?)\s*=\s*(?:"((?:\\.|[^"\\])*)"?|([^;,\s"]+))/gi;

/**
 * Every `name` and `name*` there is: which of several a reader takes is not known. null: one in pieces (RFC 2231
 * section 3) or encoded words (RFC 2047), which only some readers put together.
 */
function namesOf(disposition: string): string[] | null {
  if (/[;,\s]name\*\d/i.test(disposition) || disposition.includes('=?')) return null;
  return Array.from(disposition.matchAll(NAME), ([, extended, quoted, token]) => {
    const raw = (quoted ?? token ?? '').replace(/\\(.)/g, '$1');
    const text = extended === '*' ? raw.replace(/^[^']*'[^']*'/, '') : raw;
    return decodeComponent(Buffer.from(text, 'latin1').toString('utf8'));
  });
}

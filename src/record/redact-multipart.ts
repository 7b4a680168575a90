/** Secrets out of multipart bodies (RFC 2046 section 5.1, RFC 7578), part by part; the rest keeps its bytes. */
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
  const boundary = parameter(contentType, 'boundary');
  const marks = boundary === null || boundary === '' ? [] : delimiters(text, `--${boundary}`);
  const last = marks.at(-1);
  if (last === undefined || !last.closes) return null;
  const out = [options.rules.text(text.slice(0, marks[0]?.from ?? 0))];
  for (const [index, mark] of marks.entries()) {
    const next = marks[index + 1];
    out.push(text.slice(mark.from, mark.to));
    if (next === undefined) continue;
    const part = redactPart(text.slice(mark.to, next.from), contentType, options);
    if (part === null) return null;
    out.push(part);
  }
  out.push(options.rules.text(text.slice(last.to)));
  return out.join('');
}

/** Places of the delimiter lines, the line ends around them included; nothing after a closing one counts. */
function delimiters(text: string, dashes: string): { from: number; to: number; closes: boolean }[] {
  const marks: { from: number; to: number; closes: boolean }[] = [];
  for (let at = text.indexOf(dashes); at >= 0; at = text.indexOf(dashes, at + 1)) {
    if (at > 0 && text[at - 1] !== '\n') continue;
    const rest = /^(--)?[ \t]*(?:\r?\n|$)/.exec(text.slice(at + dashes.length, at + dashes.length + 80));
    if (rest === null) continue;
    const closes = rest[1] !== undefined;
    // The line end before belongs to the delimiter; that after an opening one to it too.
    const before = text.slice(Math.max(0, at - 2), at) === '\r\n' ? 2 : Math.min(at, 1);
    marks.push({ from: at - before, to: at + dashes.length + rest[0].length, closes });
    if (closes) break;
  }
  return marks;
}

function redactPart(text: string, multipartType: string, options: MultipartOptions): string | null {
  const part = splitPart(text);
  if (part === null) return null;
  const fields = part.head === '' ? [] : part.head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  const fieldOf = (name: string): string =>
    fields
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? '';
  // What base64 or quoted-printable hides can't be looked for.
  if (!/^(?:7bit|8bit|binary)?$/i.test(fieldOf('content-transfer-encoding'))) return null;
  const names = namesOf(fieldOf('content-disposition'));
  if (names.length === 0 && /^multipart\/form-data/i.test(multipartType.trim())) return null;
  const path = `${options.path}.${names[0] ?? 'part'}`;
  const head = redactHead(part.head, options);
  if (names.some((name) => options.rules.isSecretField(name))) {
    options.found(path);
    return head + part.gap + REDACTED;
  }
  const content = options.content(part.content, fieldOf('content-type'), path);
  return content === null ? null : head + part.gap + content;
}

function splitPart(text: string): Part | null {
  if (/^\r?\n/.test(text))
    return { head: '', gap: text.startsWith('\r') ? '\r\n' : '\n', content: text.replace(/^\r?\n/, '') };
  const blank = /\r?\n\r?\n/.exec(text);
  if (blank === null) return null;
  return { head: text.slice(0, blank.index), gap: blank[0], content: text.slice(blank.index + blank[0].length) };
}

function redactHead(head: string, { rules, path, found }: MultipartOptions): string {
  return head.replace(/^([^:\r\n]+):([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)/gm, (line, name: string, value: string) => {
    const shown = rules.isSecretHeader(name.trim()) ? ` ${REDACTED}` : rules.text(value);
    if (shown === value) return line;
    found(`${path}.headers.${name.trim().toLowerCase()}`);
    return `${name}:${shown}`;
  });
}

/** Every `name` and `name*` there is: which of several a reader takes is not known. */
function namesOf(disposition: string): string[] {
  const found = disposition.matchAll(/;\s{0,8}name(\*?)\s{0,8}=\s{0,8}(?:"((?:\\.|[^"\\])*)"|([^;\s"]+))/gi);
  return [...found].map(([, extended, quoted, token]) => {
    const raw = (quoted ?? token ?? '').replace(/\\(.)/g, '$1');
    const text = extended === '*' ? raw.replace(/^[^']*'[^']*'/, '') : raw;
    return decodeComponent(Buffer.from(text, 'latin1').toString('utf8'));
  });
}

/** A parameter of a media type (RFC 9110 section 5.6.6); null without. */
export function parameter(contentType: string, name: string): string | null {
  const expression = new RegExp(`;\\s{0,8}${name}=(?:"((?:\\\\.|[^"\\\\])*)"|([^;\\s]+))`, 'i');
  const found = expression.exec(contentType);
  if (found === null) return null;
  return (found[1] ?? found[2] ?? '').replace(/\\(.)/g, '$1');
}

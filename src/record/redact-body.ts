/** Secrets out of a body, by what its type claims; one that can't be looked into is withheld. */
import { isUtf8 } from 'node:buffer';
import { looksLikeJson, redactJson } from './redact-json.ts';
import { parameter, redactMultipart } from './redact-multipart.ts';
import { redactPairs } from './redact-pairs.ts';
import type { Found, RedactRules } from './redact-rules.ts';

export interface BodyContent {
  /** Values of all such fields, joined by `, `; '' without. */
  readonly contentType: string;
  readonly contentEncoding: string;
  /** Only the start of it is there. */
  readonly truncated: boolean;
}

type Kind = 'json' | 'lines' | 'form' | 'multipart' | 'unclear' | 'other';

const MAX_PARTS_DEPTH = 3;
const RECORD_SEPARATOR = '\u001e';

/** null: withheld. The same object when there was nothing to take out. */
export function redactBody(
  bytes: Uint8Array,
  content: BodyContent,
  rules: RedactRules,
  path: string,
  found: Found,
): Uint8Array | null {
  if (bytes.length === 0) return bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = kindOf(content.contentType);
  if (!/^(?:identity)?$/i.test(content.contentEncoding.trim()) || isWide(buffer, content.contentType)) return null;
  if (content.truncated && kind !== 'other') return null;
  // As latin1 every byte is a character and comes back as it was.
  const encoding = isUtf8(bytes) && kind !== 'multipart' ? 'utf8' : 'latin1';
  if (encoding === 'latin1' && (kind === 'json' || kind === 'lines')) return null;
  const text = buffer.toString(encoding);
  const shown = redactText(text, { ...content, kind, rules, found, depth: 0 }, path);
  if (shown === null || shown === text) return shown === null ? null : bytes;
  return Buffer.from(shown, encoding);
}

interface TextContent {
  readonly kind: Kind;
  readonly contentType: string;
  readonly truncated: boolean;
  readonly rules: RedactRules;
  readonly found: Found;
  readonly depth: number;
}

function redactText(text: string, content: TextContent, path: string): string | null {
  const { kind, rules, found } = content;
  if (kind === 'unclear') return null;
  if (kind === 'json') return redactJson(text, rules, path, found);
  if (kind === 'lines') return redactLines(text, content, path);
  if (kind === 'multipart') return redactParts(text, content, path);
  if (kind === 'form') return redactForm(text, content, path);
  return redactOther(text, content, path);
}

/** JSON text sequences (RFC 7464) and one document a line. */
function redactLines(text: string, { rules, found }: TextContent, path: string): string | null {
  const lines = text.split('\n').map((line) => {
    const json = line.startsWith(RECORD_SEPARATOR) ? line.slice(1) : line;
    if (json.trim() === '') return line;
    const shown = redactJson(json, rules, `${path}[]`, found);
    return shown === null ? null : line.slice(0, line.length - json.length) + shown;
  });
  return lines.includes(null) ? null : lines.join('\n');
}

/** What curl calls a form without being told is often JSON. */
function redactForm(text: string, { rules, found }: TextContent, path: string): string | null {
  if (text.includes('\0')) return null;
  const json = looksLikeJson(text) ? redactJson(text, rules, path, found) : null;
  if (json !== null) return json;
  return looksLikeJson(text) && rules.mentionsField(text) ? null : redactPairs(text, rules, path, found);
}

function redactParts(text: string, content: TextContent, path: string): string | null {
  const { rules, found, contentType, depth } = content;
  if (depth >= MAX_PARTS_DEPTH) return null;
  return redactMultipart(text, contentType, {
    rules,
    path,
    found,
    content: (part, partType, partPath) => {
      const kind = kindOf(partType);
      const bytes = Buffer.from(part, 'latin1');
      if (kind === 'multipart')
        return redactText(part, { ...content, kind, contentType: partType, depth: depth + 1 }, partPath);
      const shown = redactBody(
        bytes,
        { contentType: partType, contentEncoding: '', truncated: false },
        rules,
        partPath,
        found,
      );
      return shown === null ? null : Buffer.from(shown).toString('latin1');
    },
  });
}

/** No claim: what looks like JSON or a form is treated as such, anything else is searched for values. */
function redactOther(text: string, { rules, found, truncated }: TextContent, path: string): string | null {
  if (looksLikeJson(text)) {
    const json = truncated ? null : redactJson(text, rules, path, found);
    if (json !== null) return json;
    if (rules.mentionsField(text)) return null;
  }
  const shown = looksLikeForm(text) ? redactPairs(text, rules, path, found) : rules.text(text);
  if (shown !== text) found(path);
  return shown;
}

const looksLikeForm = (text: string): boolean => text.length < 1 << 20 && /^[^\s=&<>"]{1,128}=[^\s<>"]*$/.test(text);

function kindOf(contentType: string): Kind {
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  // Several fields: which one the target believes is not known.
  if (contentType.replace(/"(?:\\.|[^"\\])*"/g, '').includes(',')) return 'unclear';
  if (/(?:ndjson|jsonl|jsonlines|json-seq|json-lines)$/.test(type)) return 'lines';
  if (/^[\w.+-]+\/(?:[\w.+-]+\+|x-)?json[\w-]*$/.test(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type.startsWith('multipart/') ? 'multipart' : 'other';
}

/** UTF-16 and UTF-32: nothing that is looked for would be found. */
function isWide(bytes: Buffer, contentType: string): boolean {
  const mark = bytes.subarray(0, 2).toString('latin1');
  if (mark === '\xff\xfe' || mark === '\xfe\xff') return true;
  return /^(?:utf-?16|utf-?32|ucs-?[24]|iso-10646)/i.test(parameter(contentType, 'charset') ?? '');
}

/**
 * `Bearer ${file:/var/run/secrets/outrider/token|none}`: the grammar of templates, in header values and answer bodies.
 * References name data; there is no nesting and no evaluation, and data that is put in is never read as a template.
 */
import { isToken } from './wire.ts';

export type ReferenceKind =
  | 'header'
  | 'query'
  | 'env'
  | 'file'
  | 'id'
  | 'rule'
  | 'target'
  | 'remote_addr'
  | 'timestamp';

/** `${kind:argument|fallback}` */
export interface Reference {
  readonly kind: ReferenceKind;
  /** Header and query names in lower case; '' where the kind takes none. */
  readonly argument: string;
  /** What stands in for a value that is missing; null: nothing does. */
  readonly fallback: string | null;
}

export type TemplatePart = string | Reference;

/** A parsed template: literal text and references in turn. */
export interface Template {
  readonly text: string;
  readonly parts: readonly TemplatePart[];
}

/** A template that can't be read. `offset`: characters from its start. */
export class TemplateError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.name = 'TemplateError';
    this.offset = offset;
  }
}

const TAKES_ARGUMENT: ReadonlyMap<string, ReferenceKind> = new Map<string, ReferenceKind>([
  ['header', 'header'],
  ['query', 'query'],
  ['env', 'env'],
  ['file', 'file'],
]);

const TAKES_NONE: ReadonlyMap<string, ReferenceKind> = new Map<string, ReferenceKind>([
  ['id', 'id'],
  ['rule', 'rule'],
  ['target', 'target'],
  ['remote_addr', 'remote_addr'],
  ['timestamp', 'timestamp'],
]);

/** What may stand between `${` and `}`, for messages. */
const ALLOWED = 'header:NAME, query:NAME, env:NAME, file:PATH, id, rule, target, remote_addr or timestamp';

function parseReference(inside: string, offset: number): Reference {
  const bar = inside.indexOf('|');
  const named = bar < 0 ? inside : inside.slice(0, bar);
  const fallback = bar < 0 ? null : inside.slice(bar + 1);
  const colon = named.indexOf(':');
  const word = colon < 0 ? named : named.slice(0, colon);
  const plain = TAKES_NONE.get(word);
  if (plain !== undefined && colon < 0) return { kind: plain, argument: '', fallback };
  if (plain !== undefined) throw new TemplateError(`"${word}" takes no argument; write \${${word}}`, offset);
  const kind = TAKES_ARGUMENT.get(word);
  if (kind === undefined) {
    throw new TemplateError(`no such reference "${named}"; allowed are ${ALLOWED}; for a literal write $\${`, offset);
  }
  return { kind, argument: parseArgument(kind, colon < 0 ? '' : named.slice(colon + 1), offset), fallback };
}

function parseArgument(kind: ReferenceKind, argument: string, offset: number): string {
  if (argument === '') throw new TemplateError(`"${kind}" needs a name: \${${kind}:…}`, offset);
  if (kind === 'header' && !isToken(argument)) throw new TemplateError(`"${argument}" is no header name`, offset);
  if (kind === 'file' && !argument.startsWith('/')) {
    throw new TemplateError(`"${argument}" is no absolute path; write \${file:/…}`, offset);
  }
  return kind === 'header' || kind === 'query' ? argument.toLowerCase() : argument;
}

/** Throws TemplateError at the first mistake. `$${` is a literal `${`; any other `$` is itself. */
export function parseTemplate(text: string): Template {
  const parts: TemplatePart[] = [];
  let literal = '';
  for (let i = 0; i < text.length; ) {
    if (text.startsWith('$${', i)) {
      literal += '${';
      i += 3;
    } else if (text.startsWith('${', i)) {
      const end = text.indexOf('}', i);
      if (end < 0) throw new TemplateError('"${" is never closed; for a literal write $${', i);
      const inside = text.slice(i + 2, end);
      if (inside.includes('${')) throw new TemplateError('references do not nest; a fallback is plain text', i);
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(parseReference(inside, i));
      i = end + 1;
    } else {
      literal += text[i];
      i++;
    }
  }
  if (literal !== '') parts.push(literal);
  return { text, parts };
}

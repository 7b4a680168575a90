/** Header patches, made ready: names checked and lower-cased, templates parsed, literal values made once. */
import type { HeaderPatch } from '../settings.ts';
import { isLiteral, parseTemplate, type Template } from './template.ts';
import type { TemplatePart } from './template-parse.ts';
import { hasForbiddenCharacter, isToken, toWire } from './wire.ts';

/** A header that can't be sent. `request`: the request brought what HTTP forbids; `config`: the operator has to act. */
export class PatchError extends Error {
  readonly header: string;
  readonly source: 'request' | 'config';
  constructor(header: string, source: 'request' | 'config', message: string) {
    super(`header ${header}: ${message}`);
    this.name = 'PatchError';
    this.header = header;
    this.source = source;
  }
}

/** One header to write. `literal`: its value where it is the same for every request. */
export interface Field {
  readonly name: string;
  readonly lower: string;
  readonly literal: string | null;
  readonly parts: readonly TemplatePart[];
}

/** Made by compilePatch, used by applyPatch; `rendered` and `written` are scratch of one call. */
export interface CompiledPatch {
  readonly isEmpty: boolean;
  /** Removed and set names, and whether any of them has this length: most headers are passed over by that alone. */
  readonly lengths: Uint8Array;
  readonly removed: readonly string[];
  readonly set: readonly Field[];
  readonly added: readonly Field[];
  readonly rendered: (string | undefined)[];
  readonly written: Uint8Array;
}

/** Lengths of names from here on are one. */
export const MAX_LENGTH = 255;
/** Framing is the forwarder's: a patch of it would desynchronise the connection (RFC 9112 section 6). */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

function checkName(name: string): string {
  if (!isToken(name)) throw new PatchError(JSON.stringify(name), 'config', 'this is no header name (RFC 9110, token)');
  const lower = name.toLowerCase();
  if (FRAMING.has(lower)) throw new PatchError(name, 'config', 'message framing can not be patched; leave it out');
  return lower;
}

function literalOf(name: string, template: Template): string | null {
  for (const part of template.parts) {
    const text = typeof part === 'string' ? part : (part.fallback ?? '');
    if (hasForbiddenCharacter(text)) {
      throw new PatchError(name, 'config', 'the value has a line break or another control character');
    }
  }
  if (!isLiteral(template)) return null;
  return toWire(template.parts.join(''));
}

function compileField(name: string, text: string): Field {
  const lower = checkName(name);
  const template = parseTemplate(text);
  const parts = template.parts.map((part) => (typeof part === 'string' ? toWire(part) : part));
  return { name, lower, literal: literalOf(name, template), parts };
}

/** Two spellings of one name are one header: the later value counts, in the earlier place. */
function compileSet(set: HeaderPatch['set']): Field[] {
  const fields = new Map<string, Field>();
  for (const [name, text] of Object.entries(set)) {
    const field = compileField(name, text);
    fields.set(field.lower, field);
  }
  return [...fields.values()];
}

/**
 * Throws PatchError (source `config`) for a name that is no token, for message framing, and for a literal that HTTP
 * forbids; TemplateError for a template that can't be read.
 */
export function compilePatch(patch: HeaderPatch): CompiledPatch {
  const removed = [...new Set(patch.remove.map(checkName))];
  const set = compileSet(patch.set);
  const added = Object.entries(patch.add).map(([name, text]) => compileField(name, text));
  const lengths = new Uint8Array(MAX_LENGTH + 1);
  for (const lower of removed) lengths[Math.min(lower.length, MAX_LENGTH)] = 1;
  for (const { lower } of set) lengths[Math.min(lower.length, MAX_LENGTH)] = 1;
  return {
    isEmpty: removed.length + set.length + added.length === 0,
    lengths,
    removed,
    set,
    added,
    rendered: [...set, ...added].map(({ literal }) => literal ?? undefined),
    written: new Uint8Array(set.length),
  };
}

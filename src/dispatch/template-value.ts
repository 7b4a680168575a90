/** What a reference of a template stands for in one request. */
import type { RequestHead } from '../exchange.ts';
import { queryValue } from './query.ts';
import type { Reference } from './template-parse.ts';
import type { ValueSource } from './value-source.ts';
import { fromWire, toWire } from './wire.ts';

/** Where the values of a request's templates come from. */
export interface TemplateContext {
  /** As it came from the application, before any patch. */
  readonly head: RequestHead;
  /** The exchange's id (a UUID); a function because most requests never need one. */
  id(): string;
  /** Name of the rule that matched. */
  readonly rule: string;
  /** Name of the target chosen. */
  readonly target: string;
  /** Arrival, epoch seconds with fraction. */
  readonly timestamp: number;
  readonly values: ValueSource;
}

/** Lines of one name are one list (RFC 9110 section 5.3), cookie pairs have a separator of their own (RFC 6265). */
function headerValue(head: RequestHead, lowerName: string): string | undefined {
  if (lowerName === 'host') return head.authority === '' ? undefined : head.authority;
  const headers = head.rawHeaders;
  let found: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.length !== lowerName.length || name.toLowerCase() !== lowerName) continue;
    const value = headers[i + 1] ?? '';
    if (found === undefined) found = value;
    else found += lowerName === 'cookie' ? `; ${value}` : `, ${value}`;
  }
  return found;
}

function textValue(reference: Reference, context: TemplateContext): string | undefined {
  switch (reference.kind) {
    case 'query':
      return queryValue(context.head.uri, reference.argument);
    case 'env':
      return context.values.env(reference.argument);
    case 'file':
      return context.values.file(reference.argument);
    case 'id':
      return context.id();
    case 'rule':
      return context.rule;
    case 'target':
      return context.target;
    case 'timestamp':
      return context.timestamp.toFixed(3);
    case 'remote_addr':
      return context.head.remoteAddress;
    case 'header':
      return undefined;
  }
}

/** Whether the value comes with the request: what an attacker may choose. */
export function isRequestData(reference: Reference): boolean {
  return reference.kind === 'header' || reference.kind === 'query' || reference.kind === 'remote_addr';
}

/** The value as latin1 bytes of the wire; a header's bytes as they came. undefined: missing, and no fallback. */
export function wireValue(reference: Reference, context: TemplateContext): string | undefined {
  if (reference.kind === 'header') {
    const value = headerValue(context.head, reference.argument);
    if (value !== undefined) return value;
  }
  const text = textValue(reference, context) ?? reference.fallback;
  return text === null ? undefined : toWire(text);
}

/** The value as Unicode text, for bodies. undefined: missing, and no fallback. */
export function unicodeValue(reference: Reference, context: TemplateContext): string | undefined {
  if (reference.kind === 'header') {
    const value = headerValue(context.head, reference.argument);
    if (value !== undefined) return fromWire(value);
  }
  return textValue(reference, context) ?? reference.fallback ?? undefined;
}

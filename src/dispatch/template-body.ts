/** Answer bodies: the values that are put in are escaped for the body's content type. */
import type { Template, TemplatePart } from './template-parse.ts';
import { type TemplateContext, unicodeValue } from './template-value.ts';

type Escaping = 'json' | 'markup' | 'none';

const MARKUP: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

function escapingFor(contentType: string): Escaping {
  const essence = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  if (/[/+](json|x-ndjson)$/.test(essence)) return 'json';
  if (/[/+](html|xml)$/.test(essence)) return 'markup';
  return 'none';
}

/** A JSON string with its quotes; `<` escaped too, so that no markup is found in it by a sniffing browser. */
function jsonString(value: string): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function endsInsideString(literal: string, inside: boolean): boolean {
  for (let i = 0; i < literal.length; i++) {
    const character = literal[i];
    if (inside && character === '\\') i++;
    else if (character === '"') inside = !inside;
  }
  return inside;
}

function jsonBody(parts: readonly TemplatePart[], context: TemplateContext): string {
  let body = '';
  let inside = false;
  for (const part of parts) {
    if (typeof part === 'string') {
      body += part;
      inside = endsInsideString(part, inside);
      continue;
    }
    const value = unicodeValue(part, context);
    if (inside) body += jsonString(value ?? '').slice(1, -1);
    else if (value === undefined) body += 'null';
    else body += part.kind === 'timestamp' ? value : jsonString(value);
  }
  return body;
}

/**
 * An answer's body as Unicode text. JSON (also `+json`): a value inside quotes is escaped as part of that string; one
 * outside becomes a string of its own, so that request data can't add members (`${timestamp}` stays a number). HTML
 * and XML: `& < > " '` and the backtick as references. Other types as they are. A value that is missing is empty
 * (JSON, outside quotes: null): an answer always goes out.
 */
export function renderBody(template: Template, context: TemplateContext, contentType: string): string {
  const escaping = escapingFor(contentType);
  if (escaping === 'json') return jsonBody(template.parts, context);
  let body = '';
  for (const part of template.parts) {
    if (typeof part === 'string') body += part;
    else {
      const value = unicodeValue(part, context) ?? '';
      body += escaping === 'markup' ? value.replace(/[&<>"'`]/g, (character) => MARKUP[character] ?? '') : value;
    }
  }
  return body;
}

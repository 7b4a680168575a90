/** Templates in header values and answer bodies: what the rest of the project needs of them. */
import { parseTemplate, type Template, TemplateError } from './template-parse.ts';
import { type TemplateContext, wireValue } from './template-value.ts';
import { toWire } from './wire.ts';

export { renderBody } from './template-body.ts';
export type { ValueSource } from './value-source.ts';
export { parseTemplate, type Template, type TemplateContext, TemplateError };

/** Paths and names that a template reads of this machine, for the policy in `templates` of outrider.yaml. */
export function templateReferences(template: Template): { files: string[]; env: string[] } {
  const files: string[] = [];
  const env: string[] = [];
  for (const part of template.parts) {
    if (typeof part === 'string') continue;
    if (part.kind === 'file') files.push(part.argument);
    if (part.kind === 'env') env.push(part.argument);
  }
  return { files, env };
}

/** Whether it is the same for every request. */
export function isLiteral(template: Template): boolean {
  return template.parts.every((part) => typeof part === 'string');
}

/**
 * The value as latin1 bytes of the wire; what is missing and has no fallback is empty. It may hold characters that a
 * field value must not: headers are rendered by applyPatch, which refuses those.
 */
export function renderTemplate(template: Template, context: TemplateContext): string {
  let value = '';
  for (const part of template.parts) {
    value += typeof part === 'string' ? toWire(part) : (wireValue(part, context) ?? '');
  }
  return value;
}

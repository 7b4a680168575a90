/**
 * Header patches, applied: remove, then set, then add. On the hot path: one walk over the headers, nothing allocated
 * but the values that come from the request.
 */
import { isFieldName } from './field-name.ts';
import { type CompiledPatch, compilePatch, type Field, MAX_LENGTH, PatchError } from './patch-compile.ts';
import type { Reference } from './template-parse.ts';
import { isRequestData, type TemplateContext, wireValue } from './template-value.ts';
import { hasForbiddenCharacter } from './wire.ts';

export { type CompiledPatch, compilePatch, PatchError };

function refuseMissing(field: Field, reference: Reference): undefined {
  if (reference.kind !== 'env' && reference.kind !== 'file') return undefined;
  const what = reference.kind === 'env' ? 'is not set' : 'can not be read';
  throw new PatchError(
    field.name,
    'config',
    `${reference.kind} ${reference.argument} ${what}; provide it, or give the reference a fallback (…|value)`,
  );
}

/** undefined: request data that the value needs is missing. Throws PatchError. */
function renderField(field: Field, context: TemplateContext): string | undefined {
  let rendered = '';
  for (const part of field.parts) {
    if (typeof part === 'string') {
      rendered += part;
      continue;
    }
    const value = wireValue(part, context);
    if (value === undefined) return refuseMissing(field, part);
    if (hasForbiddenCharacter(value)) {
      const source = isRequestData(part) ? 'request' : 'config';
      const where = part.argument === '' ? part.kind : `${part.kind} ${part.argument}`;
      throw new PatchError(field.name, source, `${where} has a line break or another control character`);
    }
    rendered += value;
  }
  return rendered;
}

/** Before anything is changed, so that a refusal leaves the headers as they were. */
function renderAll(patch: CompiledPatch, context: TemplateContext): void {
  const { set, added, rendered } = patch;
  for (let i = 0; i < set.length; i++) {
    const field = set[i];
    if (field !== undefined && field.literal === null) rendered[i] = renderField(field, context);
  }
  for (let i = 0; i < added.length; i++) {
    const field = added[i];
    if (field !== undefined && field.literal === null) rendered[set.length + i] = renderField(field, context);
  }
}

function isRemoved(patch: CompiledPatch, name: string): boolean {
  for (const lower of patch.removed) if (isFieldName(name, lower)) return true;
  return false;
}

function indexOfSet(patch: CompiledPatch, name: string): number {
  const { set } = patch;
  for (let i = 0; i < set.length; i++) {
    const field = set[i];
    if (field !== undefined && isFieldName(name, field.lower)) return i;
  }
  return -1;
}

/** Drops what is removed, writes what is set in the place of its first line. Returns the new length. */
function replaceInPlace(headers: string[], patch: CompiledPatch): number {
  const { lengths, set, rendered, written } = patch;
  let end = 0;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (lengths[Math.min(name.length, MAX_LENGTH)] === 1) {
      if (isRemoved(patch, name)) continue;
      const index = indexOfSet(patch, name);
      if (index >= 0) {
        const replacement = rendered[index];
        if (written[index] === 1 || replacement === undefined) continue;
        written[index] = 1;
        headers[end] = set[index]?.name ?? name;
        headers[end + 1] = replacement;
        end += 2;
        continue;
      }
    }
    if (end !== i) {
      headers[end] = name;
      headers[end + 1] = headers[i + 1] ?? '';
    }
    end += 2;
  }
  return end;
}

/**
 * Changes `headers` (name, value, name, value …) in place: remove, set, add. A name in any case; `set` replaces every
 * line of its name, in the place of the first, else at the end. Request data that is missing, without a fallback,
 * leaves its header out (`set` then also removes what the caller sent under that name: it is never the caller's to
 * choose). An environment variable or file that is missing is the operator's mistake: PatchError `config`, as a request
 * without its credentials would fail at the target, where nobody looks. Throws PatchError, then nothing was changed.
 */
export function applyPatch(headers: string[], patch: CompiledPatch, context: TemplateContext): void {
  if (patch.isEmpty) return;
  const { set, added, rendered, written } = patch;
  renderAll(patch, context);
  for (let i = 0; i < written.length; i++) written[i] = 0;
  const length = replaceInPlace(headers, patch);
  if (length !== headers.length) headers.length = length;
  for (let i = 0; i < set.length; i++) {
    const field = set[i];
    const value = rendered[i];
    if (field !== undefined && value !== undefined && written[i] !== 1) headers.push(field.name, value);
  }
  for (let i = 0; i < added.length; i++) {
    const field = added[i];
    const value = rendered[set.length + i];
    if (field !== undefined && value !== undefined) headers.push(field.name, value);
  }
}

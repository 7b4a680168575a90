/** From what the definition finds wrong to sentences for a person, with places. */
import * as z from 'zod';
import { didYouMean, listOf, shown } from './suggest.ts';

/** One mistake, by its path in the document; `of: 'key'`: the key is wrong, not its value. */
export interface PathMistake {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly of: 'key' | 'value';
}

/**
 * Validates a document.
 *
 * @returns the output, or null with every mistake found.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
): { readonly output: z.output<S> | null; readonly mistakes: readonly PathMistake[] } {
  const result = schema.safeParse(value, { error: messageOf, reportInput: true });
  if (result.success) return { output: result.data, mistakes: [] };
  return { output: null, mistakes: result.error.issues.flatMap((issue) => fromIssue(issue, [])) };
}

/** `rules[3].match.headers.x-tier`; a name with dots or spaces in brackets and quotes. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (/^[\w/-]+$/.test(String(key))) text += text === '' ? String(key) : `.${String(key)}`;
    else text += `[${JSON.stringify(String(key))}]`;
  }
  return text;
}

/** Wording for what the parts of the definition have no wording of their own for. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  const found = `found ${shown(issue.input)}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, issue.inst);
    case 'invalid_type':
      return issue.input === undefined
        ? 'missing: it has no default'
        : `${found}; expected ${expected(issue.expected)}`;
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      const meant = typeof issue.input === 'string' ? didYouMean(issue.input, allowed) : '';
      return `${found}; allowed: ${listOf(allowed.map((value) => (value === '' ? '""' : value)))}${meant}`;
    }
    case 'too_small':
      return issue.origin === 'array' ? undefined : `${found}; at least ${String(issue.minimum)}`;
    case 'too_big':
      return `${found}; at most ${String(issue.maximum)}`;
    default:
      return undefined;
  }
}

/** One line for each key, in their order. */
function unknownKeys(keys: readonly string[], schema: unknown): string {
  const allowed = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const line = (key: string): string => didYouMean(key, allowed) || `; allowed: ${listOf(allowed)}`;
  return keys.map((key) => `there is no such key${line(key)}`).join('\n');
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text (quote it)',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function expected(type: string): string {
  return typeWords[type] ?? type;
}

function fromIssue(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): PathMistake[] {
  const path = [...above, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const lines = issue.message.split('\n');
      return issue.keys.map((key, i) => ({ path: [...path, key], message: lines[i] ?? issue.message, of: 'key' }));
    }
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, message, of: 'key' }));
    case 'invalid_union': {
      const inside = meantOption(issue.errors);
      return inside === null
        ? [{ path, message: issue.message, of: 'value' }]
        : inside.flatMap((part) => fromIssue(part, path));
    }
    default:
      return [{ path, message: issue.message, of: 'value' }];
  }
}

/**
 * The one option of a union that the value has the form of: its mistakes are the useful ones. null where none or
 * several have.
 */
function meantOption(errors: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | null {
  const meant = errors.filter((issues) => !issues.some((issue) => issue.path.length === 0 && isWrongForm(issue)));
  const [only] = meant;
  return meant.length === 1 && only !== undefined ? only : null;
}

function isWrongForm(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

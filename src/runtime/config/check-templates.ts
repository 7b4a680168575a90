/**
 * Which files and environment variables the templates of routes.yaml may read: what outrider.yaml lists in
 * `templates`, and never a secret of the process itself, whatever is listed.
 */
import { posix } from 'node:path';
import { parseTemplate, TemplateError, templateReferences } from '../../dispatch/template.ts';
import type { PathMistake } from './mistakes.ts';
import { asText, entriesOf, itemsOf, type RawItem, type RawPath, valueAt } from './raw-value.ts';
import { listOf } from './suggest.ts';

const defaultFiles = ['/var/run/secrets/outrider/*'];
/** Kubernetes projects the pod's own tokens there; /var/run is a link to /run in most images. */
const serviceAccount = /\/secrets\/(kubernetes\.io|eks\.amazonaws\.com|azure\/tokens)(\/|$)/;

/** Keys of the process whose files a template never reads. */
const secretFiles: readonly RawPath[] = [
  ['spool', 'keyFile'],
  ['kafka', 'sealKeyFile'],
  ['kafka', 'sasl', 'passwordFile'],
  ['kafka', 'tls', 'key'],
  ['admin', 'tokens', 'read'],
  ['admin', 'tokens', 'operate'],
  ['events', 'tokenFile'],
];

const secretsOfListener: readonly RawPath[] = [
  ['tls', 'key'],
  ['auth', 'bearer', 'file'],
  ['auth', 'basic', 'file'],
];

export function checkTemplates(document: unknown): PathMistake[] {
  const allowed = readAllowed(document);
  return templatesOf(document).flatMap(({ path, value }) => {
    const references = referencesOf(asText(value) ?? '');
    const messages = [
      ...references.files.map((file) => fileMistake(file, allowed)),
      ...references.env.map((name) => envMistake(name, allowed)),
    ];
    return messages.flatMap((message) => (message === null ? [] : [{ path, message, of: 'value' as const }]));
  });
}

interface Allowed {
  readonly globs: readonly string[];
  readonly env: readonly string[];
  /** Resolved paths, each with the key that names it. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly spoolFolder: string;
}

function readAllowed(document: unknown): Allowed {
  const texts = (path: RawPath): string[] => itemsOf(document, path).flatMap(({ value }) => asText(value) ?? []);
  const secrets = new Map<string, string>();
  for (const path of secretFiles) {
    const file = asText(valueAt(document, path)) ?? '';
    if (file !== '') secrets.set(canonical(file), path.join('.'));
  }
  for (const { path } of itemsOf(document, ['listeners'])) {
    for (const key of secretsOfListener) {
      const file = asText(valueAt(document, [...path, ...key])) ?? '';
      if (file !== '') secrets.set(canonical(file), `listeners.${key.join('.')}`);
    }
  }
  const listed = valueAt(document, ['templates', 'files']) !== undefined;
  return {
    globs: listed ? texts(['templates', 'files']) : defaultFiles,
    env: texts(['templates', 'env']),
    secrets,
    spoolFolder: canonical(asText(valueAt(document, ['spool', 'path'])) ?? './var/spool'),
  };
}

/** Absolute, without dot segments, with the usual link of /var/run resolved. */
function canonical(file: string): string {
  return posix.resolve(file).replace(/^\/var\/run\//, '/run/');
}

function fileMistake(file: string, allowed: Allowed): string | null {
  const path = canonical(file);
  const owner = allowed.secrets.get(path);
  if (owner !== undefined) return `\${file:${file}}: templates never read this file: it is ${owner}`;
  if (path === allowed.spoolFolder || path.startsWith(`${allowed.spoolFolder}/`)) {
    return `\${file:${file}}: templates never read the spool`;
  }
  if (serviceAccount.test(path)) return `\${file:${file}}: templates never read the pod's own tokens`;
  if (allowed.globs.some((glob) => globMatches(canonical(glob), path))) return null;
  return `\${file:${file}}: outrider.yaml allows templates to read ${listOf(allowed.globs)} (templates.files)`;
}

function envMistake(name: string, allowed: Allowed): string | null {
  if (allowed.env.includes(name)) return null;
  return `\${env:${name}}: outrider.yaml allows templates to read these variables: ${listOf(allowed.env)} (templates.env)`;
}

/** `*` stands for any part of one name, never for a slash. */
export function globMatches(glob: string, path: string): boolean {
  const names = glob.split('/');
  const given = path.split('/');
  return names.length === given.length && names.every((part, index) => nameMatches(part, given[index] ?? ''));
}

function nameMatches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function referencesOf(text: string): { readonly files: readonly string[]; readonly env: readonly string[] } {
  try {
    return templateReferences(parseTemplate(text));
  } catch (error) {
    // The definition reports what can't be parsed, at the same place.
    if (error instanceof TemplateError) return { files: [], env: [] };
    throw error;
  }
}

/** Every place where a template may stand. */
function templatesOf(document: unknown): RawItem[] {
  const patches = [
    ...entriesOf(document, ['targets']).map(({ path }) => [...path, 'request', 'headers']),
    ...itemsOf(document, ['rules']).flatMap(({ path }) => [
      [...path, 'request', 'headers'],
      [...path, 'response', 'headers'],
    ]),
  ];
  const answers = itemsOf(document, ['rules']).map(({ path }) => [...path, 'capture', 'answer']);
  return [
    ...patches.flatMap((path) => [...entriesOf(document, [...path, 'set']), ...entriesOf(document, [...path, 'add'])]),
    ...answers.flatMap((path) => entriesOf(document, [...path, 'headers'])),
    ...answers.map((path) => ({ path: [...path, 'body'], value: valueAt(document, [...path, 'body']) })),
  ];
}

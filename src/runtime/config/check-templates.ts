/**
 * Which files and environment variables the templates of routes.yaml may read: what outrider.yaml lists in
 * `templates`, and never a secret of the process itself, whatever is listed.
 */
import { parseTemplate, TemplateError, templateReferences } from '../../dispatch/template.ts';
import type { PathMistake } from './mistakes.ts';
import { asText, entriesOf, itemsOf, type RawItem, type RawPath, valueAt } from './raw-value.ts';
import { listOf } from './suggest.ts';
import { canonical, globMatches, isServiceAccount } from './template-files.ts';

const defaultFiles = ['/var/run/secrets/outrider/*'];
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

function fileMistake(file: string, allowed: Allowed): string | null {
  const path = canonical(file);
  const owner = allowed.secrets.get(path);
  if (owner !== undefined) return `\${file:${file}}: templates never read this file: it is ${owner}`;
  if (path === allowed.spoolFolder || path.startsWith(`${allowed.spoolFolder}/`)) {
    return `\${file:${file}}: templates never read the spool`;
  }
  if (isServiceAccount(path)) return `\${file:${file}}: templates never read the pod's own tokens`;
  if (allowed.globs.some((glob) => globMatches(canonical(glob), path))) return null;
  return `\${file:${file}}: outrider.yaml allows templates to read ${listOf(allowed.globs)} (templates.files)`;
}

function envMistake(name: string, allowed: Allowed): string | null {
  if (allowed.env.includes(name)) return null;
  return `\${env:${name}}: outrider.yaml allows templates to read these variables: ${listOf(allowed.env)} (templates.env)`;
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

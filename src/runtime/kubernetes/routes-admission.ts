/** An edit of routes in a ConfigMap: refused with file:line:column where running pods would not take it. */

import { settingsFrom } from '../config/load.ts';
import { isMapping, valueAt } from '../config/raw-value.ts';
import { diskFiles, type SourceText } from '../config/sources.ts';
import { didYouMean, listOf } from '../config/suggest.ts';
import { ConfigError, formatMistake } from '../errors.ts';
import type { Verdict } from './admission.ts';
import { SIDECAR } from './sidecar.ts';

/** More than a screen helps nobody; the API server cuts long messages, too. */
const MAX_MISTAKES = 20;

export function admitRoutes(configMap: unknown): Verdict {
  const data = textsOf(configMap);
  const { routes, process } = SIDECAR.files;
  const text = data.get(routes);
  if (text === undefined) return denied(missingKey([...data.keys()]));
  const own = data.get(process);
  const sources: SourceText[] = [
    { file: process, kind: 'process', text: own ?? processFor(Buffer.from(text).toString()) },
    { file: routes, kind: 'routes', text },
  ];
  try {
    const { warnings } = settingsFrom(sources, {
      source: routes,
      env: {},
      files: { ...diskFiles, readFile: () => null },
    });
    const told = own === undefined ? trailing(text) : [...warnings, ...trailing(text)];
    return { allowed: true, result: 'accepted', reason: 'none', warnings: told };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.mistakes.map(formatMistake);
    const more = lines.length > MAX_MISTAKES ? [`… and ${lines.length - MAX_MISTAKES} more`] : [];
    return denied([...lines.slice(0, MAX_MISTAKES), ...more].join('\n'));
  }
}

function denied(message: string): Verdict {
  return { allowed: false, result: 'denied', reason: 'invalid', message };
}

function missingKey(found: readonly string[]): string {
  const { routes } = SIDECAR.files;
  const meant = found.map((name) => didYouMean(name, [routes])).find((text) => text !== '') ?? '';
  return `the key ${routes} is missing: pods that use this ConfigMap would not start; found: ${listOf(found)}${meant}`;
}

function textsOf(configMap: unknown): Map<string, string | Uint8Array> {
  const texts = new Map<string, string | Uint8Array>();
  const [data, binary] = [valueAt(configMap, ['data']), valueAt(configMap, ['binaryData'])];
  for (const [key, value] of Object.entries(isMapping(data) ? data : {})) texts.set(key, String(value));
  for (const [key, value] of Object.entries(isMapping(binary) ? binary : {})) {
    texts.set(key, Buffer.from(String(value), 'base64'));
  }
  return texts;
}

/**
 * outrider.yaml is in another ConfigMap, which is not seen here: one that knows every listener, variable and file
 * that the routes name, so that only what is wrong by itself is refused.
 */
function processFor(routes: string): string {
  const all = (pattern: RegExp): string[] => [...new Set([...routes.matchAll(pattern)].map(([, name = '']) => name))];
  const listeners = [...new Set(['ambassador', ...listenersOf(routes)])].map((name, index) => ({
    name,
    address: `localhost:${5000 + index}`,
  }));
  const env = all(/\$\{env:([A-Za-z_]\w*)/g);
  const files = all(/\$\{file:(\/[^|}\n]+)/g);
  return JSON.stringify({
    listeners,
    metrics: { address: 'localhost:0' },
    admin: { address: 'localhost:0' },
    templates: { env, files: ['/var/run/secrets/outrider/*', ...files] },
  });
}

/**
 * The names in lists of listeners, in either style. Whoever may edit a ConfigMap writes this text, and everybody's pods
 * wait for the thread that reads it: each line once, and no pattern that goes back over what it has seen.
 */
function listenersOf(routes: string): string[] {
  const names = [...routes.matchAll(/\blisteners:\s*\[([^\][]*)\]/g)].flatMap(([, list = '']) => list.split(','));
  let isInList = false;
  for (const line of routes.split('\n')) {
    const text = line.trim();
    const item = isInList ? /^-\s*([\w.-]+)$/.exec(text)?.[1] : undefined;
    if (item !== undefined) names.push(item);
    // Empty lines are nothing.
    else if (text !== '') isInList = text.endsWith('listeners:');
  }
  return names.map((name) => name.trim().replace(/^["']|["']$/g, '')).filter((name) => name !== '');
}

/** `kubectl edit` shows a text with such a line as one long line with \n in it. */
function trailing(text: string | Uint8Array): string[] {
  const lines = Buffer.from(text).toString().split('\n');
  const line = lines.findIndex((one) => /[ \t]\r?$/.test(one)) + 1;
  if (line === 0) return [];
  return [`${SIDECAR.files.routes}:${line}: ends in a space: kubectl edit will show the whole file as one line`];
}

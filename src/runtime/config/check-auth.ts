/**
 * A listener that others can reach, in front of a target that gets credentials from us, lends them to anybody. So it
 * must say who may use it; `auth: none` says that everybody is meant to.
 */
import { parseTemplate, TemplateError, templateReferences } from '../../dispatch/template.ts';
import { isLoopback } from './field.ts';
import type { PathMistake } from './mistakes.ts';
import { isOwnTarget } from './own-target-form.ts';
import { asText, entriesOf, itemsOf, type RawPath, valueAt } from './raw-value.ts';

const credentialHeaders =
  /^(?:proxy-)?authorization$|^cookie$|^x-auth\b|(?:^|-)(?:api-?key|access-?key|function(?:s)?-key|subscription-key|token|secret|password)$/i;

export function checkAuth(document: unknown): PathMistake[] {
  return itemsOf(document, ['listeners']).flatMap(({ path }) => {
    if (!isOpen(document, path)) return [];
    const place = credentialBehind(document, path);
    if (place === null) return [];
    const address = asText(valueAt(document, [...path, 'address'])) ?? '';
    const message = `${address} is open to others, who would use the credentials of ${place}: set \`auth\`, or write \`auth: none\` if that is meant`;
    return [{ path: [...path, 'address'], message, of: 'value' as const }];
  });
}

function isOpen(document: unknown, listener: RawPath): boolean {
  const address = asText(valueAt(document, [...listener, 'address'])) ?? '';
  if (address === '' || isLoopback(address)) return false;
  if ((asText(valueAt(document, [...listener, 'tls', 'clientCa'])) ?? '') !== '') return false;
  return valueAt(document, [...listener, 'auth']) === undefined;
}

/** Where the first credentials are that a request to this listener can be sent with; null: nowhere. */
function credentialBehind(document: unknown, listener: RawPath): string | null {
  const name = asText(valueAt(document, [...listener, 'name'])) ?? '';
  const own = asText(valueAt(document, [...listener, 'target'])) ?? '';
  const fallback = own === '' ? asText(valueAt(document, ['default'])) : own;
  const targets = fallback === null || isOwnTarget(fallback) ? [] : [fallback];
  for (const { path } of itemsOf(document, ['rules'])) {
    const listeners = itemsOf(document, [...path, 'match', 'listeners']).map(({ value }) => asText(value));
    if (listeners.length > 0 ? !listeners.includes(name) : isOwnTarget(own)) continue;
    const place = credentialHeader(document, path);
    if (place !== null) return `rule ${asText(valueAt(document, [...path, 'name'])) ?? ''} (${place})`;
    targets.push(asText(valueAt(document, [...path, 'target'])) ?? '');
  }
  for (const target of targets) {
    const place = credentialOf(document, ['targets', target]);
    if (place !== null) return `target ${target} (${place})`;
  }
  return null;
}

function credentialOf(document: unknown, target: RawPath): string | null {
  const auth = valueAt(document, [...target, 'auth']);
  if (auth !== undefined && auth !== 'none') return 'auth';
  if ((asText(valueAt(document, [...target, 'tls', 'cert'])) ?? '') !== '') return 'tls.cert';
  return credentialHeader(document, target);
}

/** Set by us: known by its name, or because its value comes from a file. */
function credentialHeader(document: unknown, owner: RawPath): string | null {
  for (const action of ['set', 'add']) {
    for (const { key, value } of entriesOf(document, [...owner, 'request', 'headers', action])) {
      const text = asText(value) ?? '';
      if ((credentialHeaders.test(key) && !isFromRequest(text)) || readsFile(text)) return key;
    }
  }
  return null;
}

/** What the caller sent itself under another name is no credential of ours. */
const isFromRequest = (text: string): boolean =>
  /^(?:(?:bearer|basic|token) +)?\$\{(?:header|query):[^}|]+\}$/i.test(text);

function readsFile(text: string): boolean {
  try {
    return templateReferences(parseTemplate(text)).files.length > 0;
  } catch (error) {
    // The definition reports what can't be parsed.
    if (error instanceof TemplateError) return false;
    throw error;
  }
}

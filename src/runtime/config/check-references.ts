/**
 * What one key's definition can't see: names that must exist, names and addresses given twice, keys that need each
 * other. Reads the raw document, so that these mistakes are listed beside those of the definition.
 */

import { isLoopback, parseAddress } from './field.ts';
import type { PathMistake } from './mistakes.ts';
import { isOwnTarget } from './own-target-form.ts';
import { asText, entriesOf, itemsOf, type RawPath, valueAt } from './raw-value.ts';
import { didYouMean, listOf } from './suggest.ts';

/** A function where the message costs: it compares a name with all others. */
type Report = (path: RawPath, message: string | (() => string)) => void;

/** The first ones are enough to act on; each further one would be compared with every name there is. */
const MOST_MISTAKES = 100;

export function checkReferences(document: unknown): PathMistake[] {
  const mistakes: PathMistake[] = [];
  const report: Report = (path, message) => {
    if (mistakes.length >= MOST_MISTAKES) return;
    mistakes.push({ path, message: typeof message === 'string' ? message : message(), of: 'value' });
  };
  checkTargetNames(document, report);
  checkListenerNames(document, report);
  checkTests(document, report);
  checkTwice(itemsOf(document, ['rules']), 'rule', report);
  checkTwice(itemsOf(document, ['listeners']), 'listener', report);
  checkAddresses(document, report);
  checkPairs(document, report);
  checkPrefixes(document, report);
  checkTolerate(document, report);
  checkOwnAdmin(document, report);
  return mistakes;
}

function checkTargetNames(document: unknown, report: Report): void {
  const names = new Set(entriesOf(document, ['targets']).map(({ key }) => key));
  const check = (path: RawPath, extra: readonly string[]): void => {
    const name = asText(valueAt(document, path));
    if (name === null || name === '' || names.has(name) || extra.includes(name)) return;
    report(
      path,
      () => `no target "${name}"; targets: ${listOf([...names, ...extra])}${didYouMean(name, [...names, ...extra])}`,
    );
  };
  for (const { path } of itemsOf(document, ['rules'])) check([...path, 'target'], []);
  for (const { path, value } of itemsOf(document, ['listeners'])) {
    if (!isOwnTarget(asText(valueAt(value, ['target'])) ?? '')) check([...path, 'target'], []);
    else if (names.has(asText(valueAt(value, ['name'])) ?? '')) {
      const name = asText(valueAt(value, ['name']));
      report([...path, 'target'], `a URL makes a target of the listener's name, and targets has a "${name}" already`);
    }
  }
  for (const { path } of itemsOf(document, ['tests'])) check([...path, 'expect', 'target'], ['reject']);
  check(['default'], ['reject']);
}

function checkListenerNames(document: unknown, report: Report): void {
  const listeners = itemsOf(document, ['listeners']).map(({ value }) => asText(valueAt(value, ['name'])) ?? '');
  const names = new Set(valueAt(document, ['listeners']) === undefined ? ['ambassador'] : listeners);
  for (const rule of itemsOf(document, ['rules'])) {
    for (const { path, value } of itemsOf(document, [...rule.path, 'match', 'listeners'])) {
      const name = asText(value);
      if (name === null || names.has(name)) continue;
      report(path, () => `no listener "${name}"; listeners: ${listOf(names)}${didYouMean(name, names)}`);
    }
  }
}

function checkTests(document: unknown, report: Report): void {
  const names = new Set(itemsOf(document, ['rules']).map(({ value }) => asText(valueAt(value, ['name'])) ?? ''));
  for (const { path } of itemsOf(document, ['tests'])) {
    const expected = [...path, 'expect', 'rule'];
    const name = asText(valueAt(document, expected));
    if (name === null || name === 'default' || names.has(name)) continue;
    report(expected, () => `no rule "${name}"; rules: ${listOf([...names, 'default'])}${didYouMean(name, names)}`);
  }
}

function checkTwice(items: readonly { path: RawPath; value: unknown }[], what: string, report: Report): void {
  const first = new Map<string, number>();
  for (const [index, { path, value }] of items.entries()) {
    const name = asText(valueAt(value, ['name']));
    if (name === null) continue;
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    else report([...path, 'name'], `the ${what} "${name}" is there twice: ${what}s[${earlier}] has the same name`);
  }
}

function checkAddresses(document: unknown, report: Report): void {
  const listeners = itemsOf(document, ['listeners']).map(({ path }): RawPath => [...path, 'address']);
  const seen = new Map<number, { host: string; path: RawPath }[]>();
  for (const path of [...listeners, ['metrics', 'address'], ['admin', 'address']]) {
    const parsed = parseAddress(asText(valueAt(document, path)) ?? '');
    if (parsed === null || parsed.port === 0) continue;
    const others = seen.get(parsed.port) ?? [];
    const other = others.find(({ host }) => host === parsed.host || host === '*' || parsed.host === '*');
    if (other !== undefined) report(path, `port ${parsed.port} is already taken by ${other.path.join('.')}`);
    seen.set(parsed.port, [...others, { host: parsed.host, path }]);
  }
}

/** Keys that mean nothing without each other. */
function checkPairs(document: unknown, report: Report): void {
  const set = (path: RawPath): boolean => (asText(valueAt(document, path)) ?? '') !== '';
  const needs = (base: RawPath, key: string, other: string): void => {
    if (set([...base, key]) && !set([...base, other])) report([...base, key], `needs \`${other}\` beside it`);
  };
  const tls = [
    ...itemsOf(document, ['listeners']).map(({ path }) => [...path, 'tls']),
    ...entriesOf(document, ['targets']).map(({ path }) => [...path, 'tls']),
    ['kafka', 'tls'],
  ];
  for (const base of tls) {
    needs(base, 'cert', 'key');
    needs(base, 'key', 'cert');
    needs(base, 'clientCa', 'cert');
  }
  const sasl = ['kafka', 'sasl'];
  for (const key of ['username', 'passwordFile']) {
    needs(sasl, 'mechanism', key);
    needs(sasl, key, 'mechanism');
  }
}

function checkPrefixes(document: unknown, report: Report): void {
  for (const { path } of itemsOf(document, ['rules'])) {
    const prefix = [...path, 'request', 'path', 'replacePrefix'];
    if (asText(valueAt(document, prefix)) === null) continue;
    if (itemsOf(document, [...path, 'match', 'paths']).length > 0) continue;
    report(prefix, 'replaces the part of the path that an entry of `match.paths` names: there is none');
  }
}

/** To the admin API whoever comes from this machine is a reader: a route to it would let every caller be one. */
function checkOwnAdmin(document: unknown, report: Report): void {
  if ((asText(valueAt(document, ['admin', 'tokens', 'read'])) ?? '') !== '') return;
  const own = parseAddress(asText(valueAt(document, ['admin', 'address'])) ?? 'localhost:5091');
  if (own === null || own.port === 0) return;
  for (const { path, value } of entriesOf(document, ['targets'])) {
    const urls = [{ path, value }, ...itemsOf(document, [...path, 'urls'])];
    for (const item of urls) {
      const place = asText(item.value) === null ? [...item.path, 'url'] : item.path;
      const url = URL.parse(asText(valueAt(document, place)) ?? '');
      if (url === null || !OWN_HOST.test(url.hostname) || portOf(url) !== own.port) continue;
      report(place, 'this is the admin API of Outrider itself: callers could read every record; set admin.tokens.read');
    }
  }
}

/** As the URL Standard writes them. */
const OWN_HOST = /^(?:localhost\.?|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/;

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80);

/** What a client beyond this machine gets wrong may be an attack, and behind TLS nobody is that old. */
function checkTolerate(document: unknown, report: Report): void {
  for (const { path, value } of itemsOf(document, ['listeners'])) {
    const tolerate = [...path, 'tolerate'];
    if (itemsOf(document, tolerate).length === 0) continue;
    const address = asText(valueAt(value, ['address']));
    if (address !== null && !isLoopback(address))
      report(tolerate, `is for a loopback listener only, and this is ${address}`);
    if ((asText(valueAt(value, ['tls', 'cert'])) ?? '') !== '')
      report(tolerate, 'is for a listener without `tls` only');
  }
}

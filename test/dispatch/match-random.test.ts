/** Thousands of random configurations and requests, against a matcher that is written for its plainness. */
import { compileRoutes } from '../../src/dispatch/match.ts';
import type { RequestHead, RuleSettings } from '../../src/exchange.ts';
import type { ValueMatch } from '../../src/settings.ts';
import { headOf, noValues, randomFrom, ruleOf, settingsOf } from './fixtures.ts';

function globPattern(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's');
}

function holdsAll(match: ValueMatch, values: readonly (string | null)[]): boolean {
  if (typeof match === 'object' && 'absent' in match) return values.length === 0;
  if (typeof match === 'object' && 'present' in match) return values.length > 0;
  const wanted = typeof match === 'string' ? [match] : Array.from(match as readonly string[]);
  if (values.length === 0) return false;
  return values.every((value) => value !== null && wanted.some((pattern) => globPattern(pattern).test(value)));
}

function headerValues(head: RequestHead, name: string): string[] {
  if (name.toLowerCase() === 'host') return head.authority === '' ? [] : [head.authority];
  return head.rawHeaders.filter((_, i) => i % 2 === 1 && head.rawHeaders[i - 1]?.toLowerCase() === name.toLowerCase());
}

function decode(raw: string): string | null {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

function queryValues(head: RequestHead, name: string): (string | null)[] {
  const query = head.uri.includes('?') ? head.uri.slice(head.uri.indexOf('?') + 1) : '';
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair) => [decode(pair.split('=')[0] ?? ''), decode(pair.split('=').slice(1).join('='))] as const)
    .filter(([key]) => key !== null && key.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value);
}

function holdsPath(entry: string, uri: string): boolean {
  const path = uri.split('?')[0] ?? '';
  const segments = path.split('/').slice(1);
  if (!path.startsWith('/') || /\\|%2e|%2f|%5c|%00/i.test(path)) return false;
  if (segments.some((segment, i) => /^\.\.?(;|$)/.test(segment) || (segment === '' && i < segments.length - 1)))
    return false;
  return entry.endsWith('/*') ? `${path}/`.startsWith(entry.slice(0, -1)) : path === entry;
}

function holdsHost(entry: string, authority: string): boolean {
  const host = authority.toLowerCase().replace(/:\d*$/, '');
  const wanted = entry.toLowerCase();
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && host.length >= wanted.length : host === wanted;
}

function holdsRule({ match }: RuleSettings, head: RequestHead): boolean {
  const given = <T>(entries: readonly T[], holds: (entry: T) => boolean): boolean =>
    entries.length === 0 || entries.some(holds);
  return (
    given(match.listeners, (name) => name === head.listener) &&
    given(match.methods, (method) => method === head.method) &&
    given(match.hosts, (host) => holdsHost(host, head.authority)) &&
    given(match.paths, (path) => holdsPath(path, head.uri)) &&
    Object.entries(match.headers).every(([name, value]) => holdsAll(value, headerValues(head, name))) &&
    Object.entries(match.query).every(([name, value]) => holdsAll(value, queryValues(head, name)))
  );
}

const random = randomFrom(20_231_116);
const chance = (probability: number): boolean => random() < probability;
const below = (limit: number): number => Math.floor(random() * limit);
function pick<T>(items: readonly T[], fallback: T): T {
  return items[below(items.length)] ?? fallback;
}

const NAMES = ['a', 'B', 'x-env', 'X-Env', 'x-tier', 'host', '__proto__'];
const VALUES = ['1', '2', 'qa', 'dev', '', 'a b'];
const PATTERNS = ['q*', '*a', '*', 'd*v', '*b*'];
const PATHS = ['/', '/*', '/api', '/api/*', '/api/v1/*', '/a%20b'];
const URIS = [
  '/',
  '/api',
  '/api/',
  '/api/v1',
  '/api/v1/x',
  '/apix',
  '/a%20b',
  '/a%2Fb',
  '/api//x',
  '/api/../x',
  '/api/.x',
  '*',
];
const QUERY = [
  'a=1',
  'A=2',
  'b=qa',
  'b=dev',
  'a',
  'a=a+b',
  'a=%zz',
  'a=%32',
  '%61=1',
  '%zz=1',
  '',
  'a=1=2',
  '__proto__=1',
];
const HOSTS = ['a.test', '*.test', 'B.a.test', 'other'];
const AUTHORITIES = ['a.test', 'A.TEST:80', 'b.a.test', 'test', 'other:1', ''];

function someValue(): ValueMatch {
  if (chance(0.1)) return { absent: true };
  if (chance(0.1)) return { present: true };
  const one = (): string => (chance(0.2) ? pick(PATTERNS, '*') : pick(VALUES, '1'));
  return chance(0.3) ? Array.from({ length: 1 + below(3) }, one) : one();
}

function someValues(names: readonly string[], probability: number): Record<string, ValueMatch> {
  const entries: [string, ValueMatch][] = [];
  while (chance(probability)) entries.push([pick(names, 'a'), someValue()]);
  return Object.fromEntries(entries);
}

function someRule(i: number): RuleSettings {
  const some = <T>(items: readonly T[], fallback: T, probability: number): T[] =>
    chance(probability) ? Array.from({ length: 1 + below(2) }, () => pick(items, fallback)) : [];
  return ruleOf({
    name: `r${i}`,
    match: {
      listeners: some(['ambassador', 'other'], 'other', 0.1),
      methods: some(['GET', 'POST'], 'GET', 0.15),
      hosts: some(HOSTS, 'other', 0.15),
      paths: some(PATHS, '/', 0.25),
      headers: someValues(NAMES, 0.6),
      query: someValues(['a', 'B', '__proto__'], 0.2),
    },
  });
}

function someHead(): RequestHead {
  const rawHeaders: string[] = [];
  while (chance(0.75))
    rawHeaders.push(pick(['A', 'b', 'x-env', 'X-ENV', 'x-Tier', 'Host', '__proto__', 'y'], 'a'), pick(VALUES, '1'));
  const query = Array.from({ length: below(4) }, () => pick(QUERY, '')).join('&');
  return headOf({
    listener: pick(['ambassador', 'other'], 'other'),
    method: pick(['GET', 'POST'], 'GET'),
    authority: pick(AUTHORITIES, ''),
    uri: pick(URIS, '/') + (chance(0.5) ? `?${query}` : ''),
    rawHeaders,
  });
}

test('40,000 random requests find the rule that the plain matcher finds', () => {
  const wrong: unknown[] = [];
  const hits = new Map<string, number>();
  for (let round = 0; round < 400; round++) {
    const rules = Array.from({ length: 1 + below(25) }, (_, i) => someRule(i));
    const routes = compileRoutes(settingsOf({ rules, default: 'reject' }), noValues);
    for (let i = 0; i < 100; i++) {
      const head = someHead();
      const expected = rules.find((rule) => holdsRule(rule, head));
      const found = routes.match(head);
      if (found?.name !== expected?.name) wrong.push({ head, expected: expected?.match, found: found?.settings.match });
      const where = expected === undefined ? 'none' : expected === rules[0] ? 'first' : 'later';
      hits.set(where, (hits.get(where) ?? 0) + 1);
    }
  }
  expect(wrong.slice(0, 3)).toEqual([]);
  // The cases are worth something only while each outcome is common.
  for (const where of ['none', 'first', 'later']) expect(hits.get(where)).toBeGreaterThan(2000);
});

test('rules whose conditions no header can find, or any of three can, keep their order', () => {
  const wrong: unknown[] = [];
  for (let round = 0; round < 300; round++) {
    const rules = Array.from({ length: 60 }, (_, i) => {
      const headers = Object.fromEntries(
        ['a', 'b', 'c'].filter(() => chance(0.4)).map((name) => [name, String(below(4))]),
      );
      return ruleOf({ name: `r${i}`, match: { headers, methods: chance(0.5) ? ['POST'] : [] } });
    });
    const routes = compileRoutes(settingsOf({ rules, default: 'reject' }), noValues);
    for (let i = 0; i < 50; i++) {
      const rawHeaders = ['A', 'b', 'C'].flatMap((name) => (chance(0.8) ? [name, String(below(4))] : []));
      const head = headOf({ rawHeaders, method: chance(0.7) ? 'GET' : 'POST' });
      const expected = rules.find((rule) => holdsRule(rule, head));
      if (routes.match(head)?.name !== expected?.name) wrong.push({ rawHeaders, expected: expected?.name });
    }
  }
  expect(wrong.slice(0, 3)).toEqual([]);
});

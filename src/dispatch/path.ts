/** Paths of request targets against those of rules: on the bytes that are forwarded, never on a decoded copy. */
import { toPath } from './wire.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const SEMICOLON = 0x3b;

/** Where the path of a request target ends: at its query, or its end. */
export function pathEnd(uri: string): number {
  const mark = uri.indexOf('?');
  return mark < 0 ? uri.length : mark;
}

/** `%2e %2f %5c %00` in any case: what another server might decode into another path. */
function isAmbiguousEscape(uri: string, at: number): boolean {
  const high = uri.charCodeAt(at + 1);
  const low = uri.charCodeAt(at + 2) | 0x20;
  if (high === 0x32) return low === 0x65 || low === 0x66;
  if (high === 0x35) return low === 0x63;
  return high === 0x30 && uri.charCodeAt(at + 2) === 0x30;
}

/** Whether the segment from `start` is `.` or `..`, also with parameters (`..;x`), which some servers cut off. */
function isDotSegment(uri: string, start: number, end: number): boolean {
  let at = start;
  while (at < end && at - start < 2 && uri.charCodeAt(at) === DOT) at++;
  if (at === start) return false;
  const next = at < end ? uri.charCodeAt(at) : SLASH;
  return next === SLASH || next === SEMICOLON;
}

/**
 * Whether every server reads this path the same way: it starts with one slash and has no dot segment, empty segment,
 * backslash, or encoded dot, slash, backslash or NUL. Only such a path matches `paths`.
 */
export function isPlainPath(uri: string, end: number): boolean {
  if (uri.charCodeAt(0) !== SLASH) return false;
  for (let i = 0; i < end; i++) {
    const code = uri.charCodeAt(i);
    if (code === SLASH) {
      if (i + 1 < end && uri.charCodeAt(i + 1) === SLASH) return false;
      if (isDotSegment(uri, i + 1, end)) return false;
    } else if (code === BACKSLASH || (code === PERCENT && isAmbiguousEscape(uri, i))) {
      return false;
    }
  }
  return true;
}

/** One entry of `paths`. `/api/*` has the stem `/api`, `/*` the empty one. */
export interface PathTest {
  readonly stem: string;
  readonly below: boolean;
}

export function compilePath(pattern: string): PathTest {
  const below = pattern.endsWith('/*');
  return { stem: toPath(below ? pattern.slice(0, -2) : pattern), below };
}

/** `end` is pathEnd(uri). */
export function holdsPath(test: PathTest, uri: string, end: number): boolean {
  const { stem } = test;
  if (end < stem.length || !uri.startsWith(stem)) return false;
  return end === stem.length || (test.below && uri.charCodeAt(stem.length) === SLASH);
}

/**
 * The target with the stem of the entry that holds replaced (all of the path for an exact entry), the query as it is.
 * With no `paths` the stem is empty: the replacement is put in front. `*` (RFC 9112 section 3.2.4) has no path.
 */
export function replacePrefix(uri: string, tests: readonly PathTest[], replacement: string): string {
  if (uri.charCodeAt(0) !== SLASH) return uri;
  const end = pathEnd(uri);
  const named = tests.find((test) => holdsPath(test, uri, end));
  const rest = uri.slice(named?.stem.length ?? 0);
  const joined =
    rest.startsWith('/') && replacement.endsWith('/') ? replacement.slice(0, -1) + rest : replacement + rest;
  return joined.startsWith('/') ? joined : `/${joined}`;
}

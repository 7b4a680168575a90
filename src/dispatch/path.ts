/** Paths of request targets against those of rules: on the bytes that are forwarded, never on a decoded copy. */
import { isDisguised } from './path-disguise.ts';
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

/** An encoded percent sign, no escape at all, or a byte that only overlong UTF-8 begins with. */
function isOddEscape(uri: string, at: number): boolean {
  const high = uri.charCodeAt(at + 1);
  const low = uri.charCodeAt(at + 2);
  if (high === 0x32) return low === 0x35 || !isHex(low);
  if ((high | 0x20) === 0x63) return low === 0x30 || low === 0x31 || !isHex(low);
  return !isHex(high) || !isHex(low);
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}

/**
 * Whether the segment from `start` is `.` or `..`, also with parameters (`..;x`) or an encoded character behind the
 * dots (`..%3b`, `..%20`), which some servers cut off.
 */
function isDotSegment(uri: string, start: number, end: number): boolean {
  let at = start;
  while (at < end && at - start < 2 && uri.charCodeAt(at) === DOT) at++;
  if (at === start) return false;
  const next = at < end ? uri.charCodeAt(at) : SLASH;
  return next === SLASH || next === SEMICOLON || next === PERCENT;
}

/**
 * Whether every server reads this path the same way: it starts with one slash and has no dot segment, empty segment,
 * backslash, or encoded dot, slash, backslash or NUL, however encoded. Only such a path matches `paths`.
 */
export function isPlainPath(uri: string, end: number): boolean {
  if (uri.charCodeAt(0) !== SLASH) return false;
  let odd = false;
  for (let i = 0; i < end; i++) {
    const code = uri.charCodeAt(i);
    if (code === SLASH) {
      if (i + 1 < end && uri.charCodeAt(i + 1) === SLASH) return false;
      if (isDotSegment(uri, i + 1, end)) return false;
    } else if (code === BACKSLASH) {
      return false;
    } else if (code === PERCENT) {
      if (isAmbiguousEscape(uri, i)) return false;
      odd ||= isOddEscape(uri, i);
    }
  }
  return !odd || !isDisguised(uri.slice(0, end));
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

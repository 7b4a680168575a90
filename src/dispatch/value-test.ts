/** What a rule asks of one header or query key. */
import type { ValueMatch } from '../settings.ts';
import { compileGlob, type Glob, isGlob, matchesGlob } from './glob.ts';

export interface ValueTest {
  /** The key must not be there at all. */
  readonly absent: boolean;
  /** Any value will do, even one whose encoding is malformed. */
  readonly present: boolean;
  /** The one value that holds; null where there are several, or patterns. */
  readonly only: string | null;
  readonly values: ReadonlySet<string>;
  readonly globs: readonly Glob[];
}

function isList(match: ValueMatch): match is readonly string[] {
  return Array.isArray(match);
}

/** `encode`: how a configured value stands on the wire. */
export function compileValueTest(match: ValueMatch, encode: (text: string) => string): ValueTest {
  const none = { absent: false, present: false, only: null, values: new Set<string>(), globs: [] };
  if (typeof match === 'string') return compileListed([match], encode);
  if (isList(match)) return compileListed(match, encode);
  return 'absent' in match && match.absent === true ? { ...none, absent: true } : { ...none, present: true };
}

function compileListed(wanted: readonly string[], encode: (text: string) => string): ValueTest {
  const values = wanted.filter((value) => !isGlob(value)).map(encode);
  const globs = wanted.filter(isGlob).map((value) => compileGlob(encode(value)));
  const only = values.length === 1 && globs.length === 0 ? (values[0] ?? null) : null;
  return { absent: false, present: false, only, values: new Set(values), globs };
}

/** Whether one value holds; null is one whose encoding is malformed. */
export function holdsValue(test: ValueTest, value: string | null): boolean {
  if (value === null || test.present || test.absent) return test.present;
  if (test.only !== null) return value === test.only;
  if (test.values.has(value)) return true;
  for (const glob of test.globs) if (matchesGlob(glob, value)) return true;
  return false;
}

/** The values that a key must have one of, for an index; null where they can't be listed. */
export function listedValues(test: ValueTest): ReadonlySet<string> | null {
  return test.absent || test.present || test.globs.length > 0 ? null : test.values;
}

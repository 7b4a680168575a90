/**
 * Which rules can match a request, by one header that each of them asks for with listed values: of ten thousand rules
 * on the values of one header, one bucket is looked at.
 */
import type { Conditions, SlotTest } from './conditions.ts';
import { listedValues } from './value-test.ts';

/** Numbers of rules, ascending. */
type Candidates = number[];

export interface RuleIndex {
  /** By header slot, then by the header's first value; undefined: no rule is found by that header. */
  readonly buckets: readonly (ReadonlyMap<string, Candidates> | undefined)[];
  /** Rules that no header finds: tested one after another. */
  readonly rest: Candidates;
}

/** How many rules ask for each value of each header: the rarest value finds a rule fastest. */
function countValues(rules: readonly Conditions[]): Map<number, Map<string, number>> {
  const counts = new Map<number, Map<string, number>>();
  for (const { headers } of rules) {
    for (const { slot, test } of headers) {
      const ofSlot = counts.get(slot) ?? new Map<string, number>();
      counts.set(slot, ofSlot);
      for (const value of listedValues(test) ?? []) ofSlot.set(value, (ofSlot.get(value) ?? 0) + 1);
    }
  }
  return counts;
}

function longestBucket(header: SlotTest, counts: ReadonlyMap<number, ReadonlyMap<string, number>>): number {
  const values = listedValues(header.test);
  if (values === null) return Number.POSITIVE_INFINITY;
  let longest = 0;
  for (const value of values) longest = Math.max(longest, counts.get(header.slot)?.get(value) ?? 0);
  return longest;
}

export function indexRules(rules: readonly Conditions[]): RuleIndex {
  const counts = countValues(rules);
  const buckets: (Map<string, Candidates> | undefined)[] = [];
  const rest: Candidates = [];
  for (const [number, { headers }] of rules.entries()) {
    let best: SlotTest | null = null;
    let shortest = Number.POSITIVE_INFINITY;
    for (const header of headers) {
      const length = longestBucket(header, counts);
      if (length < shortest) [best, shortest] = [header, length];
    }
    if (best === null) rest.push(number);
    else fileUnder(buckets, best, number);
  }
  return { buckets, rest };
}

function fileUnder(buckets: (Map<string, Candidates> | undefined)[], header: SlotTest, number: number): void {
  const ofSlot = buckets[header.slot] ?? new Map<string, Candidates>();
  buckets[header.slot] = ofSlot;
  for (const value of listedValues(header.test) ?? []) {
    const candidates = ofSlot.get(value);
    if (candidates === undefined) ofSlot.set(value, [number]);
    else candidates.push(number);
  }
}

/** The few sums that a benchmark needs. */

/** The middle value; the mean of the two middle ones. @throws Error without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (lower + upper) / 2;
}

/** Median of the ratios that were taken in the same round: what slows a whole round down cancels out. */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.flatMap((own, round) => (theirs[round] === undefined ? [] : [own / theirs[round]])));
}

/** The order of a round: each second one is reversed, so that no contender always comes after the same one. */
export function orderOfRound<T>(items: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? items : items.toReversed();
}

/** Words for mistakes: what was found, what is allowed, what was probably meant. */

/** Names shorter than this are too alike to suggest on two edits. */
const shortName = 4;
const maxListed = 24;
const maxShown = 60;

/**
 * `; did you mean "qa"?`, or an empty string where no candidate is near: two edits (one for short names), a
 * neighbouring swap counted as one, case ignored.
 */
export function didYouMean(found: string, candidates: Iterable<string>): string {
  let best = '';
  let bestDistance = found.length < shortName ? 2 : 3;
  for (const candidate of candidates) {
    if (isStem(candidate, found) || isStem(found, candidate)) return `; did you mean "${candidate}"?`;
    if (Math.abs(candidate.length - found.length) >= bestDistance) continue;
    const distance = editDistance(found.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance && candidate !== found) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === '' ? '' : `; did you mean "${best}"?`;
}

/** `warn` of `warning`. */
function isStem(stem: string, word: string): boolean {
  return stem.length >= shortName && word.length > stem.length && word.toLowerCase().startsWith(stem.toLowerCase());
}

/** `a, b, c`, cut after two dozen. */
export function listOf(names: Iterable<string>): string {
  const all = [...names];
  const listed = all.slice(0, maxListed).join(', ');
  if (all.length === 0) return 'none';
  return all.length > maxListed ? `${listed}, … (${all.length - maxListed} more)` : listed;
}

/** A value as a person would write it, cut to one short line. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (an empty value)';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

/** Optimal string alignment distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(cell(row, j - 1) + 1, cell(previous, j) + 1, cell(previous, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, cell(beforePrevious, j - 2) + 1);
      }
      row.push(least);
    }
    beforePrevious = previous;
    previous = row;
  }
  return cell(previous, b.length);
}

function cell(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

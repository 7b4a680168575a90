/**
 * Patterns whose one special character is `*`, any run of characters. Each literal piece is searched once, from the
 * left: no backtracking, so the time is at most the value's length times the longest piece's.
 */
export interface Glob {
  readonly prefix: string;
  readonly suffix: string;
  /** The pieces between two `*`. */
  readonly middle: readonly string[];
}

export function isGlob(pattern: string): boolean {
  return pattern.includes('*');
}

/** `pattern` has at least one `*`. */
export function compileGlob(pattern: string): Glob {
  const pieces = pattern.split('*');
  return {
    prefix: pieces[0] ?? '',
    suffix: pieces[pieces.length - 1] ?? '',
    middle: pieces.slice(1, -1).filter((piece) => piece !== ''),
  };
}

export function matchesGlob(glob: Glob, value: string): boolean {
  const end = value.length - glob.suffix.length;
  let at = glob.prefix.length;
  if (end < at || !value.startsWith(glob.prefix) || !value.endsWith(glob.suffix)) return false;
  for (const piece of glob.middle) {
    const found = value.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

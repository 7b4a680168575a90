/** Kubernetes quantities (`100m`, `64Mi`, `1.5`), compared by what they stand for and not by how they are written. */

const MEBIBYTE = 2 ** 20;

const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const FORM = /^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?$/;

/** Bytes, or cores; null where it is no quantity. */
export function parseQuantity(value: unknown): number | null {
  const [, digits, unit = '', exponent] = FORM.exec(String(value).trim()) ?? [];
  if (digits === undefined) return null;
  return Number(digits) * (exponent === undefined ? (UNITS[unit] ?? 1) : 10 ** Number(exponent));
}

/** Two values of `resources` that mean the same: `1` and `1000m`. */
export function sameQuantity(a: unknown, b: unknown): boolean {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return left !== null && right !== null && Math.abs(left - right) <= Math.abs(left) * 1e-9;
}

/** The size of a volume that holds a spool of this quota: half as much again, and what SQLite's files need at once. */
export function volumeSizeFor(quota: string): string {
  const bytes = parseQuantity(quota) ?? 0;
  return `${Math.ceil((bytes * 3) / 2 / MEBIBYTE) + 64}Mi`;
}

/**
 * Paths that become another path when they are decoded more than once, or by an old decoder. Only asked about the few
 * that hold an encoded percent sign, a broken escape or a byte that starts overlong UTF-8.
 */

/** A dot segment, empty segment or backslash, the escapes of those and of NUL, and their overlong UTF-8. */
const DANGEROUS = /(?:^|\/)\.{1,2}(?:[/;%]|[^!-~]|$)|\/\/|\\|%2[ef]|%5c|%00|\u00c0[\u0080\u00ae\u00af]|\u00c1\u009c/i;
/** Nobody encodes more often, and each round costs. */
const MAX_ROUNDS = 5;

export function isDisguised(path: string): boolean {
  let text = path;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const decoded = decodeOnce(text);
    if (DANGEROUS.test(decoded) || decoded.includes('\0')) return true;
    if (decoded === text) return false;
    text = decoded;
  }
  return true;
}

/** `..` between separators, each of them also as overlong UTF-8, and with what some servers cut off behind it. */
const UPWARDS =
  /(?:^|[/\\]|\u00c0\u00af|\u00c1\u009c)(?:\.|\u00c0\u00ae){2}(?:[/\\;%]|\u00c0\u00af|\u00c1\u009c|[^!-~]|$)/;

/**
 * Whether some server would read a segment of this path as one up: behind a prefix that path leads out of it. The
 * bytes are forwarded as they came, so a proxy that puts a prefix before them must ask.
 */
export function leadsUp(path: string): boolean {
  if (!path.includes('..') && !path.includes('%')) return false;
  let text = path;
  for (let round = 0; round <= MAX_ROUNDS; round++) {
    if (UPWARDS.test(text)) return true;
    const decoded = decodeOnce(text);
    if (decoded === text) return false;
    text = decoded;
  }
  return true;
}

/** A path that the target's own path does not hold. */
export class PathError extends Error {
  constructor() {
    super('the path leads out of that of its target');
    this.name = 'PathError';
  }
}

/** To latin1, as a lenient server does: what is no escape stays, and `%u00NN` is one. */
function decodeOnce(text: string): string {
  return text.replace(/%(?:u00)?([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

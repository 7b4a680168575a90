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

/** To latin1, as a lenient server does: what is no escape stays, and `%u00NN` is one. */
function decodeOnce(text: string): string {
  return text.replace(/%(?:u00)?([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** Fields and reason phrases of an answer, as Node's HTTP server wants them. */

/**
 * RFC 9112 section 4: TAB, SP, VCHAR and obs-text. The client library reads it as UTF-8, which an older server's is
 * not; nobody but people reads it, and a standard one takes the place of one that can't be sent.
 */
export function isReasonPhrase(message: string): boolean {
  return message === 'OK' || /^[\t\x20-\x7e\x80-\xff]+$/.test(message);
}

export function pairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return list;
}

export function appendField(fields: Record<string, string | string[]>, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else fields[name] = Array.isArray(before) ? [...before, value] : [before, value];
}

export function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

/**
 * What a header field is to an intermediary, looked up once a name: RFC 9110 sections 7.6.1 and 6.5.1.
 * Looked up by the name as it was written, so that the hot path neither lower-cases nor compares.
 */

export const FIELD = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  /** Hop-by-hop by itself: removed in both directions. */
  hopByHop: 5,
  te: 6,
  upgrade: 7,
  expect: 8,
  via: 9,
  forwardedFor: 10,
  forwardedProto: 11,
  forwardedHost: 12,
  /** RFC 7239: says what the three before say. */
  forwarded: 13,
  /** `outrider-…`: ours alone, removed when it comes from outside. */
  outrider: 14,
  maxForwards: 15,
  date: 16,
} as const;

export type FieldKind = (typeof FIELD)[keyof typeof FIELD];

const KNOWN: ReadonlyMap<string, FieldKind> = new Map<string, FieldKind>([
  ['host', FIELD.host],
  ['content-length', FIELD.contentLength],
  ['transfer-encoding', FIELD.transferEncoding],
  ['connection', FIELD.connection],
  ['keep-alive', FIELD.hopByHop],
  ['proxy-connection', FIELD.hopByHop],
  ['proxy-authenticate', FIELD.hopByHop],
  ['proxy-authorization', FIELD.hopByHop],
  ['trailer', FIELD.hopByHop],
  ['http2-settings', FIELD.hopByHop],
  ['te', FIELD.te],
  ['upgrade', FIELD.upgrade],
  ['expect', FIELD.expect],
  ['via', FIELD.via],
  ['x-forwarded-for', FIELD.forwardedFor],
  ['x-forwarded-proto', FIELD.forwardedProto],
  ['x-forwarded-host', FIELD.forwardedHost],
  ['forwarded', FIELD.forwarded],
  ['max-forwards', FIELD.maxForwards],
  ['date', FIELD.date],
]);

/** Spellings seen so far. Bounded: a caller who invents names only makes itself slower. */
const seen = new Map<string, FieldKind>();
const MAX_SEEN = 2000;

export function fieldKind(name: string): FieldKind {
  const known = seen.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const kind = KNOWN.get(lower) ?? (lower.startsWith('outrider-') ? FIELD.outrider : FIELD.other);
  if (seen.size < MAX_SEEN) seen.set(name, kind);
  return kind;
}

/** The tokens of a comma-separated list, lower-cased, empty ones dropped (RFC 9110 section 5.6.1). */
export function listTokens(value: string): string[] {
  const tokens: string[] = [];
  for (const part of value.split(',')) {
    const token = part.trim().toLowerCase();
    if (token !== '') tokens.push(token);
  }
  return tokens;
}

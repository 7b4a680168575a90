/** Queries as forms write them (WHATWG URL, application/x-www-form-urlencoded): `a=1&b=2`, `+` a space, `%41` an A. */
import { Buffer, isUtf8 } from 'node:buffer';

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;
const LAST_ASCII = 0x7f;

/** Called for each key: its decoded name and value; the value is null where its encoding is malformed. */
export type QueryVisitor = (name: string, value: string | null) => void;

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function needsDecoding(raw: string): boolean {
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code === PERCENT || code === PLUS || code > LAST_ASCII) return true;
  }
  return false;
}

/**
 * One name or value of a query, decoded; null where the encoding is malformed: `%` without two hex digits, or bytes
 * that are not UTF-8. Never throws.
 */
export function decodeQueryPart(raw: string): string | null {
  if (!needsDecoding(raw)) return raw;
  const bytes = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code !== PERCENT) {
      bytes[length++] = code === PLUS ? SPACE : code;
      continue;
    }
    const high = hexDigit(raw.charCodeAt(i + 1));
    const low = hexDigit(raw.charCodeAt(i + 2));
    if (high < 0 || low < 0) return null;
    bytes[length++] = high * 16 + low;
    i += 2;
  }
  const decoded = bytes.subarray(0, length);
  return isUtf8(decoded) ? decoded.toString('utf8') : null;
}

/** Every `name=value` of the query of a request target, in order. A name that is malformed names nothing: left out. */
export function visitQuery(uri: string, visit: QueryVisitor): void {
  const mark = uri.indexOf('?');
  if (mark < 0) return;
  for (let start = mark + 1; start <= uri.length; ) {
    const next = uri.indexOf('&', start);
    const end = next < 0 ? uri.length : next;
    if (end > start) {
      const equals = uri.indexOf('=', start);
      const nameEnd = equals < 0 || equals > end ? end : equals;
      const name = decodeQueryPart(uri.slice(start, nameEnd));
      if (name !== null) visit(name, nameEnd === end ? '' : decodeQueryPart(uri.slice(nameEnd + 1, end)));
    }
    start = end + 1;
  }
}

/** The first value of a key (any case), decoded; undefined where there is none or its encoding is malformed. */
export function queryValue(uri: string, lowerName: string): string | undefined {
  let found: string | null | undefined;
  visitQuery(uri, (name, value) => {
    if (found === undefined && name.toLowerCase() === lowerName) found = value;
  });
  return found ?? undefined;
}

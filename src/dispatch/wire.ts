/**
 * Text of the configuration against bytes of the wire. Header values and request targets travel through the path as
 * latin1 strings, one character a byte; configuration, environment, files and decoded queries are Unicode text.
 */
import { Buffer, isUtf8 } from 'node:buffer';

const HTAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > DELETE) return false;
  return true;
}

/**
 * Text as it goes on the wire: its UTF-8 bytes, one latin1 character each, so that what stands in the file is what is
 * sent. A character is never cut down to its low byte: U+560A would end as a line feed.
 */
export function toWire(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The text of bytes of the wire: UTF-8 where they are that, else latin1 as they stand. */
export function fromWire(wire: string): string {
  if (isAscii(wire)) return wire;
  const bytes = Buffer.from(wire, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : wire;
}

/** Whether a field value has a character that RFC 9110 section 5.5 forbids: CR, LF, NUL or another control but HTAB. */
export function hasForbiddenCharacter(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < SPACE ? code !== HTAB : code === DELETE) return true;
  }
  return false;
}

/** Text in a path as a request target can carry it (RFC 3986 section 2.1): what is not visible ASCII, percent-encoded. */
export function toPath(text: string): string {
  return text.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);
}

/** A field name: `token` of RFC 9110 section 5.6.2. */
export function isToken(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
}

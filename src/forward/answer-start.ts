/**
 * The first line of each head of a target's answer, looked at before the client library sees it, for two reasons.
 *
 * The library ends a request on a `100 Continue` that it did not ask for, though any number may come (RFC 9110 section
 * 15.2), and sending that request once more is not ours to do: such heads are taken out, whole ones alone.
 *
 * It takes more for HTTP than RFC 9112 section 4 does: other protocols and versions, statuses beyond 599, a bare CR at
 * the end of the line. Where two parsers see different messages, one of them can be lied to: those are refused.
 */

export interface AnswerListener {
  /** A `100 Continue` has come, and was taken out. */
  continued(): void;
  /** What came is no answer of HTTP/1.1. Nothing more is passed. */
  malformed(): void;
}

/** `HTTP/1.1 200` and the byte after it. */
const START_BYTES = 13;
const MINOR_AT = 7;
const STATUS_AT = 9;
const PREFIX = Buffer.from('HTTP/1.', 'latin1');
/** More than a status line or an informational head may have. */
const MAX_HELD_BYTES = 16 * 1024;

const [TAB, LF, CR, SPACE, DEL] = [0x09, 0x0a, 0x0d, 0x20, 0x7f];
const [ZERO, ONE, FIVE, NINE] = [0x30, 0x31, 0x35, 0x39];

/** Which head begins here; `short`: that is not known yet. */
type Kind = 'continue' | 'informational' | 'last' | 'broken' | 'short';

export class AnswerStart {
  /** Bytes have come since an answer is awaited. */
  heard = false;
  /** The answer is in HTTP/1.0. */
  isOld = false;
  private awaiting = false;
  private held: Buffer | null = null;
  private listener: AnswerListener | null = null;

  /** From here on an answer is awaited. */
  arm(listener: AnswerListener): void {
    this.awaiting = true;
    this.heard = false;
    this.held = null;
    this.listener = listener;
  }

  /** What is to be seen of the next bytes; null: nothing yet. */
  pass(chunk: Buffer): Buffer | null {
    if (!this.awaiting) return chunk;
    this.heard = true;
    if (this.held !== null) return this.look(Buffer.concat([this.held, chunk]));
    return kindAt(chunk, 0) === 'last' ? this.passAll(chunk) : this.look(chunk);
  }

  private look(bytes: Buffer): Buffer | null {
    const passed: Buffer[] = [];
    let at = skipEmptyLines(bytes, 0);
    for (;;) {
      const kind = kindAt(bytes, at);
      if (kind === 'last') {
        passed.push(this.passAll(bytes.subarray(at)));
        break;
      }
      const end = kind === 'broken' ? BROKEN : endOfHead(bytes, at);
      if (end === BROKEN || (end === UNFINISHED && bytes.length - at > MAX_HELD_BYTES)) return this.refuse();
      if (end === UNFINISHED) {
        this.held = bytes.subarray(at);
        break;
      }
      if (kind === 'informational') passed.push(bytes.subarray(at, end));
      else this.listener?.continued();
      at = skipEmptyLines(bytes, end);
    }
    return passed.length === 0 ? null : Buffer.concat(passed);
  }

  private passAll(bytes: Buffer): Buffer {
    this.isOld = bytes[MINOR_AT] === ZERO;
    this.awaiting = false;
    this.held = null;
    this.listener = null;
    return bytes;
  }

  private refuse(): null {
    this.held = null;
    this.listener?.malformed();
    return null;
  }
}

/** Old servers end a body with a line too many. */
function skipEmptyLines(bytes: Buffer, at: number): number {
  let next = at;
  while (bytes[next] === CR && bytes[next + 1] === LF) next += 2;
  return next;
}

function kindAt(bytes: Buffer, at: number): Kind {
  const left = bytes.length - at;
  if (left < START_BYTES) return isPrefix(bytes, at, left) ? 'short' : 'broken';
  if (!isPrefix(bytes, at, PREFIX.length)) return 'broken';
  const minor = bytes[at + MINOR_AT];
  if ((minor !== ONE && minor !== ZERO) || bytes[at + 8] !== SPACE) return 'broken';
  const hundreds = bytes[at + STATUS_AT] ?? 0;
  const [tens, ones] = [bytes[at + 10] ?? 0, bytes[at + 11] ?? 0];
  if (hundreds < ONE || hundreds > FIVE || !isDigit(tens) || !isDigit(ones)) return 'broken';
  const after = bytes[at + 12];
  if (after !== SPACE && after !== CR) return 'broken';
  if (hundreds === ONE && (tens !== ZERO || ones !== ONE)) {
    return tens === ZERO && ones === ZERO ? 'continue' : 'informational';
  }
  return lineKind(bytes, at + 12);
}

/** Whether the line that goes on here ends as it must. */
function lineKind(bytes: Buffer, at: number): 'last' | 'broken' | 'short' {
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= SPACE ? byte !== DEL : byte === TAB) continue;
    if (byte !== CR) return 'broken';
    if (i + 1 === bytes.length) return 'short';
    return bytes[i + 1] === LF ? 'last' : 'broken';
  }
  return 'short';
}

/** CR and LF that may be the beginning of an empty line count, too. */
function isPrefix(bytes: Buffer, at: number, length: number): boolean {
  if (length === 1 && bytes[at] === CR) return true;
  for (let i = 0; i < Math.min(length, PREFIX.length); i++) if (bytes[at + i] !== PREFIX[i]) return false;
  return true;
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

const UNFINISHED = -1;
const BROKEN = -2;

/** Where the head that begins at `at` ends; `BROKEN`: its lines are not what RFC 9112 section 2.2 asks for. */
function endOfHead(bytes: Buffer, at: number): number {
  for (let i = at; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === LF || byte === 0) return BROKEN;
    if (byte !== CR) continue;
    if (i + 1 === bytes.length) return UNFINISHED;
    if (bytes[i + 1] !== LF) return BROKEN;
    if (bytes[i + 2] === CR && bytes[i + 3] === LF) return i + 4;
    i += 1;
  }
  return UNFINISHED;
}

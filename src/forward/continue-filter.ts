/**
 * Takes `100 Continue` out of a target's answer before the client library sees it: the library ends a request on one
 * that it did not ask for, though any number may come (RFC 9110 section 15.2), and sending that request once more is
 * not ours to do. A final answer costs one comparison.
 *
 * Nothing is taken out but whole, well-formed heads with status 100 that come before the final one; all other bytes
 * pass as they are, for the library to judge.
 */

/** `HTTP/1.1 1`: the tenth byte tells informational heads from final ones. */
const STATUS_AT = 9;
/** `HTTP/1.1 100` and the byte after it. */
const START_BYTES = 13;
const PREFIX = Buffer.from('HTTP/1.', 'latin1');
/** An informational head larger than this passes as it is. */
const MAX_HELD_BYTES = 16 * 1024;

const [LF, CR, SPACE, ZERO, ONE] = [0x0a, 0x0d, 0x20, 0x30, 0x31];

export interface ContinueListener {
  /** A `100 Continue` has come, and was taken out. */
  continued(): void;
}

/** Which head begins here: `short` is not known yet, `other` is none of ours. */
type Kind = 'continue' | 'informational' | 'other' | 'short';

export class ContinueFilter {
  private awaiting = false;
  private held: Buffer | null = null;
  private listener: ContinueListener | null = null;

  /** From here on an answer is awaited. */
  arm(listener: ContinueListener): void {
    this.awaiting = true;
    this.held = null;
    this.listener = listener;
  }

  /** What is to be seen of the next bytes; null: nothing yet. */
  pass(chunk: Buffer): Buffer | null {
    if (!this.awaiting) return chunk;
    const { held } = this;
    if (held === null && chunk.length > STATUS_AT && chunk[STATUS_AT] !== ONE) return this.passAll(chunk);
    return this.look(held === null ? chunk : Buffer.concat([held, chunk]));
  }

  private look(bytes: Buffer): Buffer | null {
    const passed: Buffer[] = [];
    let at = 0;
    for (;;) {
      const kind = kindAt(bytes, at);
      const end = kind === 'other' ? BROKEN : endOfHead(bytes, at);
      if (end === BROKEN || (end === UNFINISHED && bytes.length - at > MAX_HELD_BYTES)) {
        passed.push(this.passAll(bytes.subarray(at)));
        break;
      }
      if (kind === 'short' || end === UNFINISHED) {
        this.held = bytes.subarray(at);
        break;
      }
      if (kind === 'informational') passed.push(bytes.subarray(at, end));
      else this.listener?.continued();
      at = end;
    }
    const [first] = passed;
    const seen = passed.length === 1 && first !== undefined ? first : Buffer.concat(passed);
    return seen.length === 0 ? null : seen;
  }

  private passAll(bytes: Buffer): Buffer {
    this.awaiting = false;
    this.held = null;
    this.listener = null;
    return bytes;
  }
}

function kindAt(bytes: Buffer, at: number): Kind {
  const left = bytes.length - at;
  for (let i = 0; i < Math.min(left, PREFIX.length); i++) if (bytes[at + i] !== PREFIX[i]) return 'other';
  if (left > 7 && bytes[at + 7] !== ZERO && bytes[at + 7] !== ONE) return 'other';
  if (left > 8 && bytes[at + 8] !== SPACE) return 'other';
  if (left > STATUS_AT && bytes[at + STATUS_AT] !== ONE) return 'other';
  if (left < START_BYTES) return 'short';
  const [tens, ones, after] = [bytes[at + 10], bytes[at + 11], bytes[at + 12]];
  if (!isDigit(tens) || !isDigit(ones) || (after !== SPACE && after !== CR)) return 'other';
  if (tens !== ZERO) return 'informational';
  if (ones === ONE) return 'other';
  return ones === ZERO ? 'continue' : 'informational';
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= ZERO + 9;

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

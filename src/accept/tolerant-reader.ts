/**
 * The bytes of one connection, with the heads of its requests repaired. It follows the framing only to know where the
 * next head begins; where it isn't sure it repairs no more, and the parser behind judges what comes as it came.
 */
import { type RepairedHead, repairHead, type Tolerance } from './tolerate.ts';

export interface ReaderOptions {
  readonly tolerances: ReadonlySet<Tolerance>;
  /** For a missing Host: what the client connected to. */
  readonly authority: string;
  /** A longer head is not waited for. */
  readonly headBytes: number;
  /** Once a request for each kind. */
  readonly onRepaired: (kind: Tolerance) => void;
}

const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;
/** Of the line of a chunk, with its extensions. */
const MOST_LINE_BYTES = 16_384;

type Place = 'head' | 'body' | 'chunkLine' | 'chunk' | 'trailers' | 'off';

export class TolerantReader {
  private readonly options: ReaderOptions;
  private place: Place = 'head';
  /** What of a head, or of a chunk's line, has come. */
  private held: Buffer = NOTHING;
  /** Bytes to the end of the body, or of the chunk and its line end. */
  private left = 0;

  constructor(options: ReaderOptions) {
    this.options = options;
  }

  /** What may go on of what has come. */
  read(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) rest = this.step(rest, out);
    const [first = NOTHING] = out;
    return out.length > 1 ? Buffer.concat(out) : first;
  }

  /** No more comes: what was held back, as it is. */
  end(): Buffer {
    return this.release();
  }

  private release(): Buffer {
    const { held } = this;
    this.held = NOTHING;
    return held;
  }

  private step(bytes: Buffer, out: Buffer[]): Buffer {
    switch (this.place) {
      case 'head':
        return this.readHead(bytes, out);
      case 'body':
        return this.pass(bytes, out, 'head');
      case 'chunk':
        return this.pass(bytes, out, 'chunkLine');
      case 'chunkLine':
      case 'trailers':
        return this.readLine(bytes, out);
      default:
        out.push(bytes);
        return NOTHING;
    }
  }

  private readHead(bytes: Buffer, out: Buffer[]): Buffer {
    // Empty lines between requests are the parser's to skip.
    if (this.held.length === 0 && (bytes[0] === CR || bytes[0] === LF)) {
      out.push(bytes.subarray(0, 1));
      return bytes.subarray(1);
    }
    const from = Math.max(0, this.held.length - 2);
    const all = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    const end = endOfHead(all, from);
    if (end < 0) {
      this.held = all;
      if (all.length > this.options.headBytes) this.giveUp(out);
      return NOTHING;
    }
    this.held = NOTHING;
    const { tolerances, authority, onRepaired } = this.options;
    const head = repairHead(all.subarray(0, end), tolerances, authority);
    for (const kind of head.repaired) onRepaired(kind);
    out.push(head.bytes);
    this.follow(head);
    return all.subarray(end);
  }

  private follow({ framing }: RepairedHead): void {
    if (framing === 'unknown') this.place = 'off';
    else if (framing === 'chunked') this.place = 'chunkLine';
    else if (framing > 0) {
      this.place = 'body';
      this.left = framing;
    }
  }

  private pass(bytes: Buffer, out: Buffer[], next: Place): Buffer {
    const size = Math.min(this.left, bytes.length);
    out.push(bytes.subarray(0, size));
    this.left -= size;
    if (this.left === 0) this.place = next;
    return bytes.subarray(size);
  }

  /** Lines go on whole, unchanged. */
  private readLine(bytes: Buffer, out: Buffer[]): Buffer {
    const all = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    const lf = all.indexOf(LF, this.held.length);
    if (lf < 0) {
      this.held = all;
      if (all.length > MOST_LINE_BYTES) this.giveUp(out);
      return NOTHING;
    }
    this.held = NOTHING;
    out.push(all.subarray(0, lf + 1));
    this.place = this.afterLine(all.toString('latin1', 0, lf + 1));
    return all.subarray(lf + 1);
  }

  private afterLine(line: string): Place {
    if (!/^[^\r\n]*\r\n$/.test(line)) return 'off';
    if (this.place === 'trailers') return line === '\r\n' ? 'head' : 'trailers';
    const size = /^([0-9A-Fa-f]{1,13})(?:;.*)?\r\n$/s.exec(line)?.[1];
    if (size === undefined) return 'off';
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0) return 'trailers';
    // The chunk's own line end is part of it here: the parser checks it.
    this.left = bytes + 2;
    return 'chunk';
  }

  private giveUp(out: Buffer[]): void {
    this.place = 'off';
    out.push(this.release());
  }
}

/** Behind the first empty line, whichever way its lines end; -1: it has not come. */
function endOfHead(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

/** The target's answer on its way to the caller: streamed, or kept back until the failure it stands for is on disk. */
import type { Caller } from '../accept/node-caller.ts';
import { responseHeaders, trailerFields, withoutLength } from './headers.ts';
import { HeldAnswer } from './held-answer.ts';

/** The fields of the answer that the caller gets; throws when a patch can't be sent. */
export type AnswerHeaders = (headers: string[]) => string[];

const RESET_CONTENT = 205;

export class Relay {
  /** The answer kept back, until `release`. */
  held: HeldAnswer | null = null;
  private readonly caller: Caller;
  private readonly answerHeaders: AnswerHeaders;
  private heldHeaders: readonly string[] = [];
  private last: Uint8Array | null = null;
  private remaining = -1;
  /** A target sends a body where there is to be none. */
  private discards = false;

  constructor(caller: Caller, answerHeaders: AnswerHeaders) {
    this.caller = caller;
    this.answerHeaders = answerHeaders;
  }

  /** Throws, with nothing sent, when HTTP forbids something in this head. */
  begin(status: number, message: string, rawHeaders: readonly string[]): void {
    this.caller.start(status, message, this.fieldsFor(status, rawHeaders));
    this.remaining = contentLength(rawHeaders);
    // The head leaves with the first of the body when that is here already, else by itself.
    process.nextTick(flushHead, this.caller);
  }

  /** Throws, with nothing held, what `begin` throws: later there is nobody to catch it. */
  hold(status: number, message: string, rawHeaders: readonly string[]): void {
    this.heldHeaders = this.fieldsFor(status, rawHeaders);
    this.held = new HeldAnswer(status, message, rawHeaders, this.caller.buffers);
  }

  /** False: the caller is behind. */
  write(chunk: Uint8Array): boolean {
    if (this.discards) return true;
    if (this.remaining >= 0) this.remaining -= chunk.length;
    // The last bytes of a counted body leave together with its end: one write instead of two.
    if (this.remaining !== 0 || this.last !== null) return this.caller.write(chunk);
    this.last = chunk;
    return true;
  }

  finish(rawTrailers: readonly string[]): void {
    const { last } = this;
    this.last = null;
    this.caller.endAfterBody(last, rawTrailers.length === 0 ? null : trailerFields(rawTrailers));
  }

  /** Sends what was kept back, with `extra` fields. True: the rest of it is still to come. */
  release(extra: readonly string[]): boolean {
    const { held } = this;
    if (held === null) return false;
    this.held = null;
    this.caller.start(held.status, held.message, [...this.heldHeaders, ...extra]);
    if (!this.discards) for (const chunk of held.chunks) this.caller.write(chunk);
    held.release();
    if (held.complete) this.finish(held.rawTrailers);
    else this.caller.flush();
    return !held.complete;
  }

  private fieldsFor(status: number, rawHeaders: readonly string[]): string[] {
    const headers = responseHeaders(rawHeaders);
    if (status === 204 || status === RESET_CONTENT) withoutLength(headers);
    // It has no content, but its framing has to say so (RFC 9110 section 15.3.6).
    this.discards = status === RESET_CONTENT;
    if (this.discards) headers.push('content-length', '0');
    return this.answerHeaders(headers);
  }
}

function flushHead(caller: Caller): void {
  caller.flush();
}

/** Bytes announced by Content-Length; -1 without one. */
function contentLength(rawHeaders: readonly string[]): number {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 14 && name.toLowerCase() === 'content-length') return Number(rawHeaders[i + 1]);
  }
  return -1;
}

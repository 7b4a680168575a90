/**
 * An ordinary answer to a request that asked for another protocol: it streams to its end, after which the connection
 * is closed, for what follows is no request. One that is a failure to be kept waits until it is on disk.
 */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endGently } from '../accept/linger.ts';
import { HeldAnswer, HOLD_MS } from './held-answer.ts';

export interface RefusalOwner {
  /** Enough of a held answer is there: `release` when it may go out. */
  held(answer: HeldAnswer): void;
  /** Bytes of the body on their way to the caller. */
  passed(bytes: number): void;
}

export class RefusedUpgrade {
  private readonly response: IncomingMessage;
  private readonly caller: Duplex;
  private readonly owner: RefusalOwner;
  private readonly idleMs: number;
  private answer: HeldAnswer | null = null;
  private holdTimer: NodeJS.Timeout | null = null;
  private limit = 0;
  private broken = false;

  constructor(response: IncomingMessage, caller: Duplex, idleMs: number, owner: RefusalOwner) {
    this.response = response;
    this.caller = caller;
    this.idleMs = idleMs;
    this.owner = owner;
  }

  /** The head has been written: the body follows it. */
  relay(): void {
    const { response, caller, idleMs } = this;
    response.on('data', (chunk: Buffer) => this.write(chunk));
    response.on('end', () => endGently(caller));
    response.on('error', () => resetSide(caller));
    caller.on('drain', () => response.resume());
    if (idleMs > 0) response.setTimeout(idleMs, () => response.destroy(new Error('the answer stopped coming')));
  }

  /** Keeps it back until `limit` bytes or all of it are there, or a second has passed. */
  hold(limit: number): void {
    const { response } = this;
    const { statusCode = 502, statusMessage = '', rawHeaders } = response;
    const answer = new HeldAnswer(statusCode, statusMessage, rawHeaders);
    this.answer = answer;
    this.limit = limit;
    this.holdTimer = setTimeout(() => this.enough(), HOLD_MS);
    response.on('data', this.onHeldData);
    response.on('end', this.onHeldEnd);
    response.on('error', () => {
      this.broken = true;
      this.enough();
    });
  }

  /** The head of what was held has been written. */
  release(): void {
    const { answer, caller } = this;
    if (answer === null) return;
    for (const chunk of answer.chunks) this.write(chunk);
    if (answer.complete) return endGently(caller);
    // Such an answer must not look whole (RFC 9112 section 8), but as far as it came it may be read.
    if (this.broken) setImmediate(resetSide, caller);
    else {
      this.relay();
      this.response.resume();
    }
  }

  /** The caller is gone, or gets another answer. */
  stop(): void {
    this.stopHolding();
    this.response.destroy();
  }

  private readonly onHeldData = (chunk: Buffer): void => {
    this.answer?.add(chunk);
    if (this.answer !== null && this.answer.bytes >= this.limit) this.enough();
  };

  private readonly onHeldEnd = (): void => {
    if (this.answer !== null) {
      this.answer.complete = true;
      this.answer.rawTrailers = this.response.rawTrailers;
    }
    this.enough();
  };

  private enough(): void {
    if (this.holdTimer === null || this.answer === null) return;
    this.stopHolding();
    this.response.pause();
    this.response.off('data', this.onHeldData);
    this.response.off('end', this.onHeldEnd);
    this.owner.held(this.answer);
  }

  private stopHolding(): void {
    if (this.holdTimer !== null) clearTimeout(this.holdTimer);
    this.holdTimer = null;
  }

  private write(chunk: Uint8Array): void {
    this.owner.passed(chunk.length);
    if (!this.caller.write(chunk)) this.response.pause();
  }
}

/** Where the end of the connection may be the end of the body, only a reset tells them apart (RFC 9112 section 8). */
export function resetSide(side: Duplex): void {
  if (side instanceof Socket) side.resetAndDestroy();
  else side.destroy();
}

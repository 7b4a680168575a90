/** One request and its answer on Node's HTTP server: the only place where the path meets Node's own objects. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHead } from '../exchange.ts';
import { plainAddress } from './address.ts';
import { type Answer, httpDate } from './answer.ts';
import { appendField, isReasonPhrase, latin1, pairs } from './answer-fields.ts';
import { type BodyLimits, type BodyOwner, RequestBody } from './body.ts';
import { BEHIND_BYTES, type Buffers } from './buffers.ts';
import { isTooMuch, TOO_MUCH_AROUND } from './chunk-extensions.ts';
import { chunkPassed } from './chunk-garbage.ts';
import { type InspectedHead, inspectTrailers } from './guard.ts';
import { LINGER_MS } from './linger.ts';
import type { CallerOwner, CallerTracker } from './node-caller-owner.ts';
import { asksToUpgrade, mayHideBytes } from './node-upgrade.ts';

export type { CallerOwner } from './node-caller-owner.ts';

const kCaller = Symbol('caller');
interface Tagged {
  [kCaller]?: Caller;
}

export class Caller {
  readonly head: RequestHead;
  readonly body: RequestBody;
  /** performance.now() at arrival. */
  readonly startedAt: number;
  /** The caller left before its answer was complete. */
  gone = false;
  answered = false;
  /** Status of the answer; 0: none yet. */
  status = 0;
  bytesWritten = 0;
  owner: CallerOwner | null = null;
  private readonly request: IncomingMessage & Tagged;
  private readonly response: ServerResponse & Tagged;
  private readonly tracker: CallerTracker;
  private readonly writeIdleMs: number;
  private waitsForDrain = false;
  private closeAfter = false;
  private waitsForContinue: boolean;
  private informed = 0;
  private isDistrusted = false;
  /** Of the connection when this request's head had come; counted for chunks alone. */
  private readonly bytesBefore: number;
  private readonly headBytes: number;
  buffers: Buffers | null = null;
  /** Of the budget: its head, and what waits to be read by it. */
  private held = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    inspected: InspectedHead,
    origin: { listener: string; scheme: 'http' | 'https' },
    limits: BodyLimits & { writeIdleMs: number },
    tracker: CallerTracker,
  ) {
    this.startedAt = performance.now();
    this.request = request;
    this.response = response;
    this.tracker = tracker;
    this.writeIdleMs = limits.writeIdleMs;
    this.head = {
      listener: origin.listener,
      method: request.method ?? '',
      uri: inspected.uri,
      rawHeaders: request.rawHeaders,
      authority: inspected.authority,
      scheme: origin.scheme,
      httpVersion: request.httpVersion === '1.0' ? '1.0' : '1.1',
      remoteAddress: plainAddress(request.socket.remoteAddress ?? ''),
    };
    this.headBytes = inspected.bytes;
    this.waitsForContinue = inspected.expectContinue;
    const length = inspected.framing === 'chunked' ? null : inspected.contentLength;
    this.bytesBefore = length === null ? request.socket.bytesRead : 0;
    this.body = new RequestBody(request, length, limits, inspected.expectContinue ? () => this.continue() : null);
    this.response[kCaller] = this;
    this.request[kCaller] = this;
    response.on('close', onClose);
    if (length !== 0) this.listen(request);
  }

  /** It wanted another protocol; no other request may be behind it before it has been answered. */
  get asksToUpgrade(): boolean {
    return asksToUpgrade(this.request);
  }

  /** Something of its body is still to come; what has come may not have been looked at yet. */
  get isInBody(): boolean {
    return this.body.state === 'reading' && !this.request.complete;
  }

  /** An exchange begins: the body is read, and what it holds of memory counts there. */
  open(owner: CallerOwner & BodyOwner, buffers: Buffers): void {
    this.owner = owner;
    this.buffers = buffers;
    this.hold(0);
    this.body.open(owner, buffers);
  }

  /** Relays an informational answer (RFC 9110 section 15.2); HTTP/1.0 callers get none. False: over the cap. */
  inform(status: number, headers: readonly string[]): boolean {
    this.informed += 1;
    if (this.informed > MAX_INFORMATIONAL) return false;
    // 100 is about the next hop alone: a caller that waits for it has got ours (RFC 9110 section 10.1.1).
    if (status === 100 || this.head.httpVersion === '1.0' || this.answered || this.gone) return true;
    // Without a prototype: a field may be called `constructor`.
    const fields: Record<string, string | string[]> = Object.create(null);
    for (let i = 0; i < headers.length; i += 2) appendField(fields, headers[i] ?? '', headers[i + 1] ?? '');
    this.response.writeInformation(status, fields);
    return true;
  }

  /** Writes the head of the answer; with the first of the body, or at the end, it leaves. */
  start(status: number, message: string, headers: string[]): void {
    if (this.body.unasked || mayHideBytes(this.request)) this.closeAfter = true;
    // The body came unasked. Node would close the connection now, and with it the answers to what was sent behind.
    else if (this.waitsForContinue) this.response.writeContinue();
    if (this.tracker.isLast(this, this.closeAfter)) headers.push('connection', 'close');
    if (isReasonPhrase(message)) this.response.writeHead(status, message, headers);
    else this.response.writeHead(status, headers);
    this.answered = true;
    this.status = status;
  }

  /** False: the caller reads slower than the target sends; `callerDrained` follows. */
  write(chunk: Uint8Array): boolean {
    this.bytesWritten += chunk.length;
    chunkPassed(chunk.length);
    const more = this.response.write(chunk);
    if (!more) this.hold(this.response.writableLength);
    if (!more && !this.waitsForDrain) {
      this.waitsForDrain = true;
      // When it fires the server cuts the connection.
      this.request.socket.setTimeout(this.writeIdleMs);
      this.response.once('drain', onDrain);
    }
    return more;
  }

  /** A text is latin1. */
  end(chunk: Uint8Array | string | null, trailers: readonly string[] | null = null): void {
    if (trailers !== null && trailers.length > 0) this.response.addTrailers(pairs(trailers));
    if (chunk === null) this.response.end();
    else {
      this.bytesWritten += chunk.length;
      // As a string a small body leaves in one buffer with its head; as bytes the two are gathered, which costs more.
      if (typeof chunk === 'string') this.response.end(chunk, 'latin1');
      else if (chunk.length <= ONE_WRITE_BYTES) this.response.end(latin1(chunk), 'latin1');
      else this.response.end(chunk);
    }
    // What has not left yet is no longer drained: a caller that doesn't read it is cut all the same.
    const left = this.response.writableLength;
    if (left > 0) this.request.socket.setTimeout(this.writeIdleMs);
    this.hold(left);
  }

  /**
   * Ends an answer that may have come before the request's body did: the rest is read and dropped for a moment, so
   * that the caller, who is still sending, gets to read the answer instead of a reset (RFC 9112 section 9.6).
   */
  endAfterBody(chunk: Uint8Array | string | null, trailers: readonly string[] | null): void {
    if (!this.body.isComing) {
      this.end(chunk, trailers);
      return;
    }
    if (chunk !== null) this.write(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk);
    else this.flush();
    this.body.drop(LINGER_MS, () => {
      this.end(null, trailers);
      if (this.body.state === 'reading') this.request.socket.destroySoon();
    });
  }

  /** An answer of our own, whole. */
  answer({ status, headers, body }: Answer): void {
    if (this.gone || this.answered) return;
    if (this.body.state !== 'complete') this.closeAfter = true;
    this.start(status, '', ['date', httpDate(), ...headers]);
    this.endAfterBody(this.head.method === 'HEAD' ? null : body, null);
  }

  /** Cuts the connection: a broken answer must never look complete (RFC 9112 section 8). */
  abort(): void {
    if (this.response.destroyed) return;
    const { httpVersion, scheme } = this.head;
    // To HTTP/1.0 the end of the connection may be the end of the body: only a reset tells them apart.
    if (httpVersion === '1.0' && scheme === 'http') this.request.socket.resetAndDestroy();
    else this.response.destroy();
  }

  /** As `abort`, once what has been written has left. */
  abortSoon(): void {
    setImmediate(abort, this);
  }

  /** Puts the head on the wire though nothing of the body is there yet. */
  flush(): void {
    if (this.bytesWritten > 0 || this.response.writableEnded || this.response.destroyed) return;
    // `flushHeaders` would write it as UTF-8, and values with bytes beyond ASCII would be others.
    this.response.write(NOTHING);
  }

  /** @internal */
  closed(): void {
    if (!this.response.writableFinished) {
      this.gone = true;
      if (this.body.state === 'reading') this.body.lost();
      this.owner?.callerGone();
    }
    this.owner?.callerClosed();
    this.owner = null;
    this.buffers?.change(this.held, 0);
    this.buffers = null;
    this.tracker.finished(this);
  }

  /** @internal */
  drained(): void {
    this.waitsForDrain = false;
    this.hold(0);
    this.request.socket?.setTimeout(0);
    this.owner?.callerDrained();
  }

  /** @internal */
  bodyCame(chunk: Uint8Array): void {
    const { body, request } = this;
    body.push(chunk);
    if (body.length !== null || body.fault !== null) return;
    if (!isTooMuch(request.socket.bytesRead - this.bytesBefore, body.received)) return;
    this.tracker.distrust(TOO_MUCH_AROUND, request);
    body.broken('tooLarge');
  }

  /** @internal */
  bodyEnded(): void {
    this.checkTrailers();
    if (!this.isDistrusted) this.body.end();
  }

  /** The parser may be further than the stream of the body: what is behind bad trailers is not to be served. */
  checkTrailers(): void {
    const refusal = this.isDistrusted ? null : inspectTrailers(this.request.rawTrailers);
    if (refusal === null) return;
    this.isDistrusted = true;
    this.tracker.distrust(refusal, this.request);
    this.body.broken('broken');
  }

  /** `unread`: bytes of the answer that have not left. What the target sends meanwhile stands behind them. */
  private hold(unread: number): void {
    if (this.buffers === null) return;
    this.held = this.buffers.change(this.held, this.headBytes + unread + (unread > 0 ? BEHIND_BYTES : 0));
  }

  private continue(): void {
    if (this.answered || this.gone) return;
    this.waitsForContinue = false;
    this.response.writeContinue();
  }

  private listen(request: IncomingMessage): void {
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('aborted', onAborted);
    request.on('error', onRequestError);
  }
}

/** An upstream may send any number of 1xx; a caller is spared more than this (Go's client stops at 5 KiB of them). */
const MAX_INFORMATIONAL = 100;
const ONE_WRITE_BYTES = 4096;
const NOTHING = Buffer.alloc(0);

function abort(caller: Caller): void {
  caller.abort();
}
function onData(this: IncomingMessage & Tagged, chunk: Uint8Array): void {
  this[kCaller]?.bodyCame(chunk);
}
function onEnd(this: IncomingMessage & Tagged): void {
  this[kCaller]?.bodyEnded();
}
function onAborted(this: IncomingMessage & Tagged): void {
  this[kCaller]?.body.lost();
}
/** Node reports an aborted upload as an error; `aborted` and `close` have said it already. */
function onRequestError(this: IncomingMessage & Tagged): void {
  this[kCaller]?.body.lost();
}
function onClose(this: ServerResponse & Tagged): void {
  this[kCaller]?.closed();
}
function onDrain(this: ServerResponse & Tagged): void {
  this[kCaller]?.drained();
}

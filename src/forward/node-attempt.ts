/** One try at one URL, as a handler object of undici's `dispatch`: no closure, no promise, no stream a request. */
import type { Dispatcher } from 'undici';
import { FIELD, fieldKind } from '../accept/field.ts';
import type { Attempt, Reason, RequestSent } from '../exchange.ts';
import type { AnswerListener } from './answer-start.ts';
import type { Deadlines, Timed } from './deadline.ts';
import type { Connection } from './node-connections.ts';
import { type AttemptPhase, translateError } from './node-error.ts';
import type { LeftAs, Upstream } from './node-upstream.ts';

/** Who follows an attempt. After `failed` or `ended` nothing more comes. */
export interface AttemptOwner {
  informed(attempt: NodeAttempt, status: number, rawHeaders: string[]): void;
  headCame(attempt: NodeAttempt, status: number, message: string, rawHeaders: string[]): void;
  dataCame(attempt: NodeAttempt, chunk: Uint8Array): void;
  ended(attempt: NodeAttempt, rawTrailers: string[]): void;
  failed(attempt: NodeAttempt): void;
  /** The target does not take more of the body, though more is there. */
  uploadStalled(): boolean;
}

/** Of one attempt, in ticks of the clock. */
export interface AttemptLimits {
  readonly deadlines: Deadlines;
  /** From the last of the request to the head of the answer. */
  readonly response: number;
  /** Between two pieces of a body, either way. */
  readonly idle: number;
}

export class NodeAttempt implements Dispatcher.DispatchHandler, AnswerListener, Timed {
  readonly upstream: Upstream;
  readonly url: string;
  requestSent: RequestSent = 'no';
  status: number | null = null;
  reason: Reason | null = null;
  message = '';
  timedOut = false;
  over = false;
  /** It went out on a connection that had served before: the target may have been closing it. */
  reused = false;
  /** Something of an answer has come: a target that ends now was not just closing an idle connection. */
  heard = false;
  readonly startedAt = performance.now();
  endedAt = 0;
  private owner: AttemptOwner | null;
  private controller: Dispatcher.DispatchController | null = null;
  private cancelled: Error | null = null;
  /** Held from dispatch until the end, whoever brings it. */
  private connection: Connection | null = null;
  private connectTimer: NodeJS.Timeout | null = null;
  private limits: AttemptLimits | null = null;
  private touched = 0;
  private paused = false;

  constructor(owner: AttemptOwner, upstream: Upstream, url: string) {
    this.owner = owner;
    this.upstream = upstream;
    this.url = url;
  }

  /** The answer reads faster than the caller does. */
  pause(): void {
    this.paused = true;
    this.controller?.pause();
  }

  resume(): void {
    this.paused = false;
    this.touch();
    this.controller?.resume();
  }

  /** Nobody waits for it any more: its connection is cut, its owner hears nothing more of it. */
  cancel(reason: string): void {
    this.owner = null;
    if (!this.isOver) this.cut(new Error(reason));
  }

  /** Ends it from outside with an error of ours (a deadline, a full queue). */
  fail(reason: Reason, message: string, timedOut: boolean): void {
    if (this.isOver) return;
    const { owner } = this;
    this.owner = null;
    this.cut(new Error(message));
    this.finish(reason, message, timedOut);
    owner?.failed(this);
  }

  /** There is no end to the heads before its answer. */
  failEndless(): void {
    this.fail('protocol', 'the target sent informational answers without end', false);
  }

  /** Its answer holds what HTTP forbids to send on. */
  failRelay(error: unknown): void {
    const why = error instanceof Error ? error.message : '';
    this.fail('protocol', `the target’s answer can't be relayed: ${why}`, false);
  }

  /** As it stands in a record; of one that is still running, as far as it has come. */
  toRecord(): Attempt {
    const { url, reason, status, requestSent, startedAt } = this;
    const ms = Math.round(((this.over ? this.endedAt : performance.now()) - startedAt) * 10) / 10;
    return { at: Math.round(performance.timeOrigin + startedAt) / 1000, url, reason, status, requestSent, ms };
  }

  /** Over, or given up by its owner while it waited. */
  get isOver(): boolean {
    return this.over || this.cancelled !== null;
  }

  /** @internal It goes out on this connection, which is its own until it is over. */
  uses(connection: Connection, limits: AttemptLimits): void {
    this.connection = connection;
    this.reused = connection.served > 0;
    this.limits = limits;
    limits.deadlines.add(this);
  }

  /** @internal Once a tick. The time for a connection is the connector's to watch. */
  check(tick: number): void {
    const { limits, requestSent } = this;
    if (limits === null || requestSent === 'no' || this.paused) return;
    const still = tick - this.touched;
    if (this.status !== null) {
      if (still > limits.idle) this.fail('timeout', 'the target’s answer stopped coming', true);
    } else if (requestSent === 'yes') {
      if (still > limits.response) this.fail('timeout', 'the target did not answer in time', true);
    } else if (still > limits.idle && this.owner?.uploadStalled() === true) {
      this.fail('timeout', 'the target stopped reading the request', true);
    }
  }

  /** @internal The connect that it waited for was refused: nothing was sent on its own connection. */
  refuse(error: Error): void {
    this.release('free');
    this.onResponseError(null, error);
  }

  /** @internal For a rule whose connect timeout is not its target's. */
  limitConnect(ms: number): void {
    const text = `the target did not accept a connection within ${ms} ms`;
    this.connectTimer = setTimeout(() => this.fail('connect', text, true), ms);
  }

  // ── undici ──

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.stopConnectTimer();
    if (this.cancelled !== null) {
      controller.abort(this.cancelled);
      return;
    }
    this.requestSent = 'partly';
    this.touch();
    this.connection?.awaitAnswer(this);
  }

  continued(): void {
    this.touch();
    this.owner?.informed(this, 100, NO_STRINGS);
  }

  malformed(): void {
    this.fail('protocol', 'the target’s answer is not HTTP/1.1 (INVALID_STATUS_LINE)', false);
  }

  onRequestSent(): void {
    this.requestSent = 'yes';
    this.touch();
  }

  onBodySent(): void {
    this.touch();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    message?: string,
  ): void {
    this.touch();
    const rawHeaders = rawStrings(controller.rawHeaders);
    if (status < 200) {
      this.owner?.informed(this, status, rawHeaders);
      return;
    }
    this.status = status;
    // In HTTP/1.0 there is no such coding, and the length that it tells may be a lie (RFC 9112 section 6.1).
    if (this.connection?.isOld === true && isCoded(rawHeaders)) this.connection.isSpent = true;
    this.owner?.headCame(this, status, message ?? '', rawHeaders);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.touch();
    this.owner?.dataCame(this, chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.over) return;
    this.finish(null, '', false);
    this.owner?.ended(this, rawStrings(controller.rawTrailers));
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.release('failed');
    if (this.isOver) return;
    const waiting = this.status === null ? 'waiting' : 'receiving';
    const phase: AttemptPhase = this.requestSent === 'no' ? 'connecting' : waiting;
    const { reason, message, timedOut } = translateError(error, phase);
    this.finish(reason, message, timedOut);
    this.owner?.failed(this);
  }

  /** Before undici has begun there is nothing to abort: what waits goes with its connection. */
  private cut(error: Error): void {
    this.cancelled = error;
    this.stopConnectTimer();
    if (this.controller === null) this.release('busy');
    else this.controller.abort(error);
  }

  private finish(reason: Reason | null, message: string, timedOut: boolean): void {
    this.over = true;
    this.endedAt = performance.now();
    this.reason = reason;
    this.message = message;
    this.timedOut = timedOut;
    this.stopConnectTimer();
    this.release('free');
    this.upstream.observe(reason);
  }

  private touch(): void {
    if (this.limits !== null) this.touched = this.limits.deadlines.tick;
  }

  private stopConnectTimer(): void {
    if (this.connectTimer === null) return;
    clearTimeout(this.connectTimer);
    this.connectTimer = null;
  }

  /** Its connection is for another, once. */
  private release(as: LeftAs): void {
    const { connection } = this;
    if (connection === null) return;
    this.connection = null;
    this.heard = connection.heard;
    this.limits?.deadlines.remove(this);
    this.upstream.leave(connection, as);
  }
}

const NO_STRINGS: string[] = [];

function isCoded(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (fieldKind(rawHeaders[i] ?? '') === FIELD.transferEncoding) return true;
  }
  return false;
}

function rawStrings(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return NO_STRINGS;
  const strings: string[] = new Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const each = raw[i];
    strings[i] = typeof each === 'string' ? each : (each?.toString('latin1') ?? '');
  }
  return strings;
}

/**
 * One request on its way to a target, attempt by attempt, and the answer on its way back. Streams both ways; what
 * stands still on one side stands still on the other.
 */
import type { BodyFault, BodyOwner, RequestBody } from '../accept/body.ts';
import type { Caller, CallerOwner } from '../accept/node-caller.ts';
import type { Attempt, RequestHead, RequestSent, Timeouts } from '../exchange.ts';
import { type Ending, type Failure, mostSent } from './failure.ts';
import { informationalHeaders } from './headers.ts';
import { type HeldAnswer, HOLD_MS } from './held-answer.ts';
import type { Lane } from './lanes.ts';
import { type AttemptOwner, NodeAttempt } from './node-attempt.ts';
import type { Upstream } from './node-upstream.ts';
import { Relay } from './relay.ts';
import { decideRetry, type RetryPolicy } from './retry.ts';

/** What is sent, decided before the first attempt. */
export interface FlightPlan {
  readonly lane: Lane;
  /** Path and query, without the URL's own path. */
  readonly uri: string;
  readonly headers: string[];
  readonly timeouts: Timeouts;
  readonly retry: RetryPolicy;
  /** Bytes of a held answer that are recorded before it is released. */
  readonly holdBytes: number;
  /** Why it can't be sent at all; null when it can. */
  readonly problem: Failure | null;
}

/** What the path decides about a flight. */
export interface FlightSteps {
  /** Whether an answer with this status is a failure that is kept back until it is recorded. */
  holds(status: number): boolean;
  /** The fields of the answer that the caller gets; throws when a patch can't be sent. */
  answerHeaders(headers: string[]): string[];
  /** It has ended, once. When the target's answer was relayed, the caller has it already. */
  ended(ending: Ending): void;
  /** The caller's side is over: the last of the exchange. */
  closed(): void;
}

export class Flight implements BodyOwner, CallerOwner, AttemptOwner {
  readonly caller: Caller;
  readonly head: RequestHead;
  readonly plan: FlightPlan;
  readonly attempts: Attempt[] = [];
  /** Milliseconds spent at the target, of the last attempt. */
  targetMs: number | null = null;
  backendUrl: string;
  /** Attempts after the first. */
  retries = 0;
  private readonly steps: FlightSteps;
  private readonly relay: Relay;
  private attempt: NodeAttempt | null = null;
  private over = false;
  private tries = 0;
  private staleUsed = false;
  private expired = false;
  private holdTimer: NodeJS.Timeout | null = null;
  private totalTimer: NodeJS.Timeout | null = null;

  constructor(caller: Caller, plan: FlightPlan, steps: FlightSteps) {
    this.caller = caller;
    this.head = caller.head;
    this.plan = plan;
    this.steps = steps;
    this.relay = new Relay(caller, (headers) => steps.answerHeaders(headers));
    this.backendUrl = plan.lane.upstreams[0]?.url ?? '';
    if (plan.timeouts.total > 0) this.totalTimer = setTimeout(onTotal, plan.timeouts.total, this);
  }

  /** The answer kept back, until `relayHeld`. */
  get held(): HeldAnswer | null {
    return this.relay.held;
  }

  get body(): RequestBody {
    return this.caller.body;
  }

  /** Whether the target can have seen the request, over all attempts. */
  get requestSent(): RequestSent {
    return mostSent(this.attempts, this.attempt?.requestSent ?? 'no');
  }

  // ── accept ──

  bodyReady(): void {
    if (this.over) return;
    const { fault } = this.caller.body;
    const { problem } = this.plan;
    if (fault !== null) this.endBadBody(fault);
    else if (problem !== null) this.end({ kind: 'failed', failure: problem, status: null });
    else this.try(this.plan.lane.balancer.pick());
  }

  bodyFailed(): void {
    const { fault } = this.caller.body;
    // An answer that is kept back is worth more than the rest of the body.
    if (!this.over && fault !== null && this.held === null) this.endBadBody(fault);
  }

  callerGone(): void {
    if (this.over) return;
    const { body, answered } = this.caller;
    const { requestSent } = this;
    this.abandonAttempt('the caller went away');
    this.end({ kind: 'callerLeft', afterRequest: body.state === 'complete', answering: answered, requestSent });
  }

  callerClosed(): void {
    this.stopTimers();
    this.attempt?.cancel('the exchange is over');
    this.caller.body.release();
    this.held?.release();
    this.steps.closed();
  }

  callerDrained(): void {
    this.attempt?.resume();
  }

  // ── attempts ──

  private try(upstream: Upstream): void {
    const { method } = this.head;
    const { uri, headers, timeouts } = this.plan;
    const { path, url } = upstream.resolve(uri);
    this.backendUrl = upstream.url;
    this.attempt = new NodeAttempt(this, upstream, url);
    upstream.send(this.attempt, { method, path, headers, body: this.body.content(), timeouts });
  }

  informed(attempt: NodeAttempt, status: number, rawHeaders: string[]): void {
    try {
      if (!this.caller.inform(status, informationalHeaders(rawHeaders))) attempt.failEndless();
    } catch (error) {
      attempt.failRelay(error);
    }
  }

  headCame(attempt: NodeAttempt, status: number, message: string, rawHeaders: string[]): void {
    try {
      if (!this.steps.holds(status)) return this.relay.begin(status, message, rawHeaders);
      this.relay.hold(status, message, rawHeaders);
      this.body.stopFeeding();
      this.holdTimer = setTimeout(onHoldEnd, HOLD_MS, this);
    } catch (error) {
      attempt.failRelay(error);
    }
  }

  dataCame(attempt: NodeAttempt, chunk: Uint8Array): void {
    const { held } = this.relay;
    if (held === null) {
      if (!this.relay.write(chunk)) attempt.pause();
      return;
    }
    held.add(chunk);
    if (!held.isEnough(this.plan.holdBytes)) return;
    attempt.pause();
    this.endHeld();
  }

  ended(attempt: NodeAttempt, rawTrailers: string[]): void {
    this.note(attempt);
    const { held } = this.relay;
    if (held === null) {
      this.relay.finish(rawTrailers);
      this.end({ kind: 'answered', status: attempt.status ?? 0 });
      return;
    }
    held.complete = true;
    held.rawTrailers = rawTrailers;
    this.endHeld();
  }

  failed(attempt: NodeAttempt): void {
    this.note(attempt);
    if (this.relay.held !== null) return this.endHeld();
    const { body } = this.caller;
    body.detach();
    if (this.over) {
      // What was held has been released and was still streaming: it must not look complete.
      this.caller.abort();
      return;
    }
    if (body.fault !== null) return this.endBadBody(body.fault);
    if (body.state === 'gone') return this.callerGone();
    if (!this.caller.answered && this.again(attempt)) return;
    this.end({ kind: 'failed', failure: failureOf(attempt, this.requestSent), status: attempt.status });
  }

  uploadStalled(): boolean {
    return this.body.backedUp;
  }

  /** @internal The time for all attempts together is over. */
  expire(): void {
    this.expired = true;
    this.attempt?.fail('timeout', `the exchange took longer than ${this.plan.timeouts.total} ms`, true);
  }

  // ── the answer ──

  /** Sends the answer that was kept back, with `extra` fields; what is still to come of it streams. */
  relayHeld(extra: readonly string[]): void {
    if (!this.relay.release(extra)) return;
    if (this.attempt === null || this.attempt.over) this.caller.abortSoon();
    else this.attempt.resume();
  }

  /** Nothing more is wanted of the target. */
  abandonAttempt(reason: string): void {
    const { attempt } = this;
    if (attempt === null || attempt.over) return;
    if (!this.over) this.attempts.push({ ...attempt.toRecord(), reason: 'clientAbort' });
    attempt.cancel(reason);
  }

  /** @internal Enough of the held answer is there. */
  endHeld(): void {
    const { held, attempt } = this;
    if (held === null || attempt === null) return;
    this.stopHoldTimer();
    if (this.over) return;
    if (!attempt.over) this.attempts.push(attempt.toRecord());
    const message = `the target answered ${held.status}`;
    const failure: Failure = { reason: 'status', message, timedOut: false, requestSent: this.requestSent };
    this.end({ kind: 'failed', failure, status: held.status });
  }

  // ── the end ──

  private end(ending: Ending): void {
    if (this.over) return;
    this.over = true;
    if (this.totalTimer !== null) clearTimeout(this.totalTimer);
    this.steps.ended(ending);
  }

  private again(attempt: NodeAttempt): boolean {
    if (attempt.reason === null || this.expired || !this.caller.body.replayable) return false;
    this.tries += 1;
    const stale = attempt.reused && !attempt.heard && attempt.reason === 'reset';
    const failed = {
      method: this.head.method,
      reason: attempt.reason,
      requestSent: attempt.requestSent,
      tries: this.tries,
      stale,
      staleUsed: this.staleUsed,
    };
    const decision = decideRetry(this.plan.retry, failed);
    if (decision === 'no') return false;
    if (decision === 'stale') {
      this.staleUsed = true;
      this.tries -= 1;
    }
    this.retries += 1;
    this.try(decision === 'stale' ? attempt.upstream : this.plan.lane.balancer.pick(attempt.upstream));
    return true;
  }

  private note(attempt: NodeAttempt): void {
    this.targetMs = attempt.endedAt - attempt.startedAt;
    // Records are built for failures only, and once; a first attempt that succeeded leaves no trace.
    const isTold = attempt.reason !== null || this.held !== null || this.attempts.length > 0;
    if (isTold && !this.over) this.attempts.push(attempt.toRecord());
  }

  private endBadBody(fault: BodyFault): void {
    this.abandonAttempt('the request body is not usable');
    this.end({ kind: 'badBody', fault });
  }

  private stopHoldTimer(): void {
    if (this.holdTimer !== null) clearTimeout(this.holdTimer);
    this.holdTimer = null;
  }

  private stopTimers(): void {
    this.stopHoldTimer();
    if (this.totalTimer !== null) clearTimeout(this.totalTimer);
  }
}

function onHoldEnd(flight: Flight): void {
  flight.endHeld();
}

function onTotal(flight: Flight): void {
  flight.expire();
}

function failureOf(attempt: NodeAttempt, requestSent: RequestSent): Failure {
  const { reason, message, timedOut } = attempt;
  return { reason: reason ?? 'protocol', message, timedOut, requestSent };
}

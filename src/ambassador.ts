/**
 * The path of a request, one step a line, each with the reason for its place:
 *
 *     accept → dispatch → forward → judge → record → watch
 */
import { v7 as uuid } from 'uuid';
import { emptyAnswer, problem } from './accept/answer.ts';
import type { CopyPolicy } from './accept/copy.ts';
import type { Refusal } from './accept/guard.ts';
import type { Caller } from './accept/node-caller.ts';
import type { Overload } from './accept/overload.ts';
import type { Routes } from './dispatch/match.ts';
import { applyPatch, PatchError } from './dispatch/patch.ts';
import type { Rule } from './dispatch/rule.ts';
import type { TemplateContext } from './dispatch/template.ts';
import type { Reason, RequestHead, Verdict } from './exchange.ts';
import type { Ending } from './forward/failure.ts';
import { Flight, type FlightSteps } from './forward/flight.ts';
import type { ForwardingPolicy } from './forward/headers.ts';
import type { Lanes } from './forward/lanes.ts';
import { planFlight } from './forward/plan.ts';
import { judge } from './judge/judge.ts';
import { answerFailure, refusePatch } from './record/answer-failure.ts';
import type { Capturer, Kept } from './record/capture.ts';
import type { ExchangeWatch } from './watch/exchange-watch.ts';

export interface AmbassadorParts {
  /** The configuration, compiled. A reload makes new parts: an exchange keeps those it began with. */
  readonly routes: Routes;
  readonly lanes: Lanes;
  readonly overload: Overload;
  readonly policy: ForwardingPolicy;
  readonly copies: CopyPolicy;
  readonly capturer: Capturer;
  /** Bytes of a target's failed answer that are recorded before it is relayed (`capture.response`). */
  readonly holdBytes: number;
  readonly watch: ExchangeWatch;
}

const NO_RULE: Refusal = { status: 404, kind: 'noRule', detail: 'Nothing is configured for this request.' };
const LOOP: Refusal = { status: 508, kind: 'loop', detail: 'This request has been here before.' };

/** Serves one request that HTTP allows: the guard in accept/ has refused the others. */
export function serve(caller: Caller, parts: AmbassadorParts): void {
  const refusal = parts.overload.enter(); //                 accept: first of all, a full house does no work
  if (refusal !== null) return refuse(caller, refusal, parts);
  if (caller.head.uri === '*') return answerServerOptions(caller, parts);
  const routes = parts.routes; //                          dispatch: one whole configuration for each exchange
  const rule = routes.match(caller.head); //                 on the bytes that will be forwarded
  if (rule === null) return refuse(caller, NO_RULE, parts);
  new Exchange(caller, rule, routes, parts).start();
}

class Exchange implements FlightSteps, TemplateContext {
  readonly head: RequestHead;
  readonly rule: string;
  readonly target: string;
  readonly timestamp = Date.now() / 1000;
  readonly values: TemplateContext['values'];
  readonly compiled: Rule;
  readonly caller: Caller;
  verdict: Verdict | null = null;
  kept: Kept | null = null;
  private readonly parts: AmbassadorParts;
  private flight: Flight | null = null;
  private keeping = false;
  private callerClosed = false;
  private uuid = '';

  constructor(caller: Caller, rule: Rule, routes: Routes, parts: AmbassadorParts) {
    this.caller = caller;
    this.head = caller.head;
    this.compiled = rule;
    this.rule = rule.name;
    this.target = rule.targetName;
    this.values = routes.values;
    this.parts = parts;
  }

  /** forward: patched, then attempt by attempt; the answer streams to the caller while it comes. */
  start(): void {
    const { caller, compiled, parts } = this;
    const lane = parts.lanes.get(this.target);
    if (lane === null) return refuse(caller, NO_RULE, parts);
    try {
      const plan = planFlight(compiled, lane, this, parts.policy, parts.holdBytes);
      if (plan === null) return refuse(caller, LOOP, parts);
      this.flight = new Flight(caller, plan, this);
    } catch (error) {
      return refuse(caller, refusePatch(error), parts);
    }
    caller.owner = this.flight;
    parts.watch.started();
    const copies = compiled.capture.takesMethod(this.head.method) ? parts.copies : null;
    caller.body.open(this.flight, copies); //                accept: read once, copied, because it may fail at its end
  }

  holds(status: number): boolean {
    return this.compiled.capture.wants('status', status, this.head.method);
  }

  answerHeaders(headers: string[]): string[] {
    try {
      applyPatch(headers, this.compiled.response, this);
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      this.parts.watch.unpatched(this, error.message); //    the target has acted: its answer is worth more than ours
    }
    return headers;
  }

  /** judge, then record: the caller of a failed exchange hears of it when it is on disk. */
  ended(ending: Ending): void {
    const { flight, compiled, parts } = this;
    this.verdict = judge(ending); //                         judge: pure, exactly one for each exchange
    if (flight === null || this.verdict.kind === 'delivered') return;
    if (this.verdict.kind === 'abandoned' || !this.keeps(this.verdict.reason, this.verdict.status)) {
      return answerFailure(flight, compiled, this, ending, null);
    }
    const failed = {
      id: this.id(),
      timestamp: this.timestamp,
      rule: this.rule,
      target: this.target,
      verdict: this.verdict,
    };
    this.keeping = true;
    parts.capturer.keep(flight, failed, (kept) => {
      this.kept = kept; //                                   record: durable first …
      this.keeping = false;
      answerFailure(flight, compiled, this, ending, kept); // … answered after
      parts.watch.kept(this, kept);
      if (this.callerClosed) parts.watch.finished(this, flight);
    });
  }

  /** watch: when the caller's side is over and the record, if any, is settled: once for each exchange. */
  closed(): void {
    this.parts.overload.leave();
    this.callerClosed = true;
    if (this.flight !== null && !this.keeping) this.parts.watch.finished(this, this.flight);
  }

  id(): string {
    this.uuid ||= uuid();
    return this.uuid;
  }

  private keeps(reason: Reason, status: number | null): boolean {
    return this.compiled.capture.wants(reason, status, this.head.method);
  }
}

/** `OPTIONS *` asks about the server, which is Outrider (RFC 9110 section 9.3.7): no rule is meant. */
function answerServerOptions(caller: Caller, parts: AmbassadorParts): void {
  parts.overload.leave();
  caller.answer(emptyAnswer(204));
}

function refuse(caller: Caller, refusal: Refusal, parts: AmbassadorParts): void {
  if (refusal.kind !== 'inFlight') parts.overload.leave();
  parts.watch.refused(
    refusal,
    caller.head.listener,
    caller.head.remoteAddress,
    `${caller.head.method} ${caller.head.uri}`,
  );
  caller.answer(problem(refusal.status, refusal.detail));
}

/** One exchange on its way: what is known of it, and what each step of the path does with that. */
import type { CopyPolicy } from './accept/copy.ts';
import type { Caller } from './accept/node-caller.ts';
import type { Overload } from './accept/overload.ts';
import type { Routes } from './dispatch/match.ts';
import { applyPatch, PatchError } from './dispatch/patch.ts';
import type { Rule } from './dispatch/rule.ts';
import type { TemplateContext } from './dispatch/template.ts';
import type { RequestHead, Verdict } from './exchange.ts';
import type { Ending } from './forward/failure.ts';
import { Flight, type FlightSteps } from './forward/flight.ts';
import type { ForwardingPolicy } from './forward/headers.ts';
import type { Lanes } from './forward/lanes.ts';
import { planFlight } from './forward/plan.ts';
import { answerFailure, refusePatch } from './record/answer-failure.ts';
import type { Capturer, Kept } from './record/capture.ts';
import { newRecordId } from './record/record-id.ts';
import { LOOP, NO_RULE, refuse } from './refuse.ts';
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

/** The steps after the target's part, in ambassador.ts. */
export interface PathSteps {
  ended(passage: Passage, ending: Ending): void;
  closed(passage: Passage): void;
}

type Failed = Verdict & { readonly kind: 'failed' };

export class Passage implements FlightSteps, TemplateContext {
  readonly head: RequestHead;
  readonly rule: string;
  readonly target: string;
  readonly timestamp = Date.now() / 1000;
  readonly values: TemplateContext['values'];
  readonly caller: Caller;
  verdict: Verdict | null = null;
  kept: Kept | null = null;
  private readonly compiled: Rule;
  private readonly parts: AmbassadorParts;
  private readonly steps: PathSteps;
  private flight: Flight | null = null;
  private keeping = false;
  private callerClosed = false;
  private uuid = '';

  constructor(caller: Caller, rule: Rule, parts: AmbassadorParts, steps: PathSteps) {
    this.caller = caller;
    this.head = caller.head;
    this.compiled = rule;
    this.rule = rule.name;
    this.target = rule.targetName;
    this.values = parts.routes.values;
    this.parts = parts;
    this.steps = steps;
  }

  /** What will be sent, and where. False: it was refused and answered. */
  plan(): boolean {
    const { caller, compiled, parts } = this;
    const lane = parts.lanes.get(this.target);
    try {
      const plan = lane === null ? null : planFlight(compiled, lane, this, parts.policy, parts.holdBytes);
      if (plan !== null) this.flight = new Flight(caller, plan, this);
      else refuse(caller, lane === null ? NO_RULE : LOOP, parts);
    } catch (error) {
      refuse(caller, refusePatch(error), parts);
    }
    return this.flight !== null;
  }

  /** Where the rule can keep nothing of such a request, no copy is made. */
  readBody(): void {
    this.caller.body.copyTo(this.compiled.capture.takesMethod(this.head.method) ? this.parts.copies : null);
  }

  forward(): void {
    const { caller, flight, parts } = this;
    if (flight === null) return;
    parts.watch.started();
    caller.open(flight, parts.overload.buffers);
  }

  /** Whether the rule wants failures of this kind kept. */
  keeps({ reason, status }: Failed): boolean {
    return this.compiled.capture.wants(reason, status, this.head.method);
  }

  /** Calls `done` once the record is on disk, or it is known that the answer can't wait for it. */
  record(verdict: Failed, done: (kept: Kept) => void): void {
    const { flight, parts, timestamp, rule, target } = this;
    if (flight === null) return;
    this.keeping = true;
    parts.capturer.keep(flight, { id: this.id(), timestamp, rule, target, verdict }, (kept) => {
      this.kept = kept;
      this.keeping = false;
      done(kept);
      parts.watch.kept(this, kept);
      if (this.callerClosed) this.steps.closed(this);
    });
  }

  answer(ending: Ending, kept: Kept | null): void {
    if (this.flight !== null) answerFailure(this.flight, this.compiled, this, ending, kept);
  }

  watch(): void {
    if (this.flight !== null) this.parts.watch.finished(this, this.flight);
  }

  // ── asked by the flight ──

  holds(status: number): boolean {
    return this.compiled.capture.wants('status', status, this.head.method);
  }

  answerHeaders(headers: string[]): string[] {
    try {
      applyPatch(headers, this.compiled.response, this);
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      // The target has acted: its answer is worth more than one of ours.
      this.parts.watch.unpatched(this, error.message);
    }
    return headers;
  }

  ended(ending: Ending): void {
    this.steps.ended(this, ending);
  }

  closed(): void {
    this.parts.overload.leave();
    this.callerClosed = true;
    if (!this.keeping) this.steps.closed(this);
  }

  // ── asked by templates ──

  id(): string {
    this.uuid ||= newRecordId();
    return this.uuid;
  }
}

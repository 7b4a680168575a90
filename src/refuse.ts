/** Requests that get an answer of Outrider's own before anything is done for them. */
import { emptyAnswer, problem } from './accept/answer.ts';
import type { Refusal } from './accept/guard.ts';
import type { Caller } from './accept/node-caller.ts';
import type { Overload } from './accept/overload.ts';
import type { RequestHead } from './exchange.ts';
import { isLastHop, lastHopAnswer } from './forward/max-forwards.ts';
import type { ExchangeWatch } from './watch/exchange-watch.ts';

export const NO_RULE: Refusal = { status: 404, kind: 'noRule', detail: 'Nothing is configured for this request.' };
export const LOOP: Refusal = { status: 508, kind: 'loop', detail: 'This request has been here before.' };

/** What `Overload.enter` refuses: they have got no place. */
const NO_PLACE: ReadonlySet<string> = new Set(['inFlight', 'spool', 'buffers']);

interface RefuseParts {
  readonly overload: Overload;
  readonly watch: ExchangeWatch;
}

/** Answers, counts and logs; gives the place back that the request had taken, if it got one. */
export function refuse(caller: Caller, refusal: Refusal, { overload, watch }: RefuseParts): void {
  if (!NO_PLACE.has(refusal.kind)) overload.leave();
  const { listener, remoteAddress, method, uri } = caller.head;
  watch.refused(refusal, listener, remoteAddress, `${method} ${uri}`);
  caller.answer(problem(refusal.status, refusal.detail));
}

/** `OPTIONS *` asks about the server, which is Outrider (RFC 9110 section 9.3.7): no rule is meant. */
export function isForUs(head: RequestHead): boolean {
  return head.uri === '*' || isLastHop(head);
}

export function answerHere(caller: Caller, { overload }: RefuseParts): void {
  overload.leave();
  caller.answer(caller.head.uri === '*' ? emptyAnswer(204) : lastHopAnswer(caller.head));
}

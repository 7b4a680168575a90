/** What went wrong with an attempt, in Outrider's terms: decided where the error is born. */
import type { BodyFault } from '../accept/body.ts';
import type { Attempt, Reason, RequestSent } from '../exchange.ts';

export interface Failure {
  readonly reason: Reason;
  /** One sentence for a person, with the system's code. */
  readonly message: string;
  /** Time ran out somewhere: the answer is 504 instead of 502. */
  readonly timedOut: boolean;
  readonly requestSent: RequestSent;
}

/** How a flight ended. */
export type Ending =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly status: number | null }
  /** The caller sent more than the limit, stopped sending or broke HTTP: its own doing. */
  | { readonly kind: 'badBody'; readonly fault: BodyFault }
  /** The caller left. `afterRequest`: it had been read whole; `answering`: the head of the answer was on its way. */
  | {
      readonly kind: 'callerLeft';
      readonly afterRequest: boolean;
      readonly answering: boolean;
      readonly requestSent: RequestSent;
    };

const RANK: Readonly<Record<RequestSent, number>> = { no: 0, partly: 1, yes: 2 };

/** Whether the target can have seen the request, over all attempts and the one that runs. */
export function mostSent(attempts: readonly Attempt[], current: RequestSent): RequestSent {
  return attempts.reduce((most, { requestSent }) => (RANK[requestSent] > RANK[most] ? requestSent : most), current);
}

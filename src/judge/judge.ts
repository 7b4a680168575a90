/** Exactly one verdict for each exchange. Pure. */
import type { Verdict } from '../exchange.ts';
import type { Ending } from '../forward/failure.ts';
import { abandoned, delivered, failed } from './verdict.ts';

/**
 * A caller that leaves after its whole request was read and before the answer's head counts as a failure: a legacy
 * client that gives up on a hung target is the commonest loss there is. One that leaves earlier never sent a request,
 * one that leaves later was being answered well.
 */
export function judge(ending: Ending): Verdict {
  switch (ending.kind) {
    case 'answered':
      return delivered();
    case 'failed':
      return failed(ending.failure.reason, ending.status, ending.failure.message);
    case 'badBody':
      return abandoned();
    case 'callerLeft':
      return ending.afterRequest && !ending.answering
        ? failed('clientAbort', null, 'the caller went away before the target answered')
        : abandoned();
  }
}

/** Status of our own answer to a failed exchange that has none of the target's. */
export function failureStatus(verdict: Verdict & { kind: 'failed' }, timedOut: boolean): 502 | 503 | 504 {
  if (verdict.reason === 'overload') return 503;
  return timedOut ? 504 : 502;
}

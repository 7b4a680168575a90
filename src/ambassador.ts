/**
 * The path of a request, one step a line, each with the reason for its place:
 *
 *     accept → dispatch → forward → judge → record → watch
 */
import type { Caller } from './accept/node-caller.ts';
import type { Ending } from './forward/failure.ts';
import { judge } from './judge/judge.ts';
import { type AmbassadorParts, Passage, type PathSteps } from './passage.ts';
import { answerHere, isForUs, NO_RULE, refuse } from './refuse.ts';

export type { AmbassadorParts } from './passage.ts';

/** Serves one request that HTTP allows: the guard in accept/ has refused the others. */
export function serve(caller: Caller, parts: AmbassadorParts): void {
  const full = parts.overload.enter(); //            accept: first of all, for a full house does no work
  if (full !== null) return refuse(caller, full, parts);
  if (isForUs(caller.head)) return answerHere(caller, parts);

  const rule = parts.routes.match(caller.head); //   dispatch: one whole configuration decides about one exchange
  if (rule === null) return refuse(caller, NO_RULE, parts);
  const passage = new Passage(caller, rule, parts, steps);
  if (!passage.plan()) return; //                    dispatch: patched before anything is sent; what can't be, is refused

  passage.readBody(); //                             accept: read once, and copied, because it may fail at its very end
  passage.forward(); //                              forward: attempt by attempt; the answer streams while it comes
}

const steps: PathSteps = {
  /** The target has answered, failed, or the caller has left: exactly once for each exchange. */
  ended(passage: Passage, ending: Ending): void {
    const verdict = judge(ending); //                judge: pure, so that it can be tested as a table
    passage.verdict = verdict;
    if (verdict.kind === 'delivered') return; //     its answer has been streaming all the while
    if (verdict.kind === 'abandoned' || !passage.keeps(verdict)) return passage.answer(ending, null);
    passage.record(verdict, (kept) => {
      passage.answer(ending, kept); //               record: durable first, answered after
    });
  },

  /** The caller's side is over, and the record, if there is one, is settled. */
  closed(passage: Passage): void {
    passage.watch(); //                              watch: last, for it tells how all of it went
  },
};

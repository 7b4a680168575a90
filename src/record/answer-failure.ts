/** What the caller of a failed exchange gets, after its record is on disk or it is known that it won't be. */
import { type Answer, problem } from '../accept/answer.ts';
import type { BodyFault } from '../accept/body.ts';
import type { Refusal } from '../accept/guard.ts';
import { type CompiledAnswer, renderAnswer } from '../dispatch/capture-rule.ts';
import { PatchError } from '../dispatch/patch.ts';
import { PathError } from '../dispatch/path-disguise.ts';
import type { Rule } from '../dispatch/rule.ts';
import type { TemplateContext } from '../dispatch/template.ts';
import type { Ending } from '../forward/failure.ts';
import type { Flight } from '../forward/flight.ts';
import { failureStatus } from '../judge/judge.ts';
import type { Kept } from './capture.ts';

/**
 * `kept` null: the rule does not keep this failure. Only a record that is on disk is named, and only then does the
 * rule's friendly answer go out: without one the caller must know that nothing was kept.
 */
export function answerFailure(
  flight: Flight,
  rule: Rule,
  context: TemplateContext,
  ending: Ending,
  kept: Kept | null,
): void {
  const { caller } = flight;
  if (caller.gone) return;
  if (caller.answered) {
    // The head is gone: a broken answer must not look complete (RFC 9112 section 8).
    caller.abort();
    return;
  }
  if (ending.kind === 'badBody') return answerBadBody(flight, ending.fault);
  const friendly = friendlyAnswer(rule, context, kept);
  if (friendly !== null) {
    flight.abandonAttempt('the rule answers by itself');
    caller.answer(friendly);
  } else if (flight.held !== null) flight.relayHeld(captureFields(kept));
  else answerPlain(flight, ending, kept);
}

/** The rule's own answer to a failure that is on disk; null: there is none. */
export function friendlyAnswer(rule: Rule, context: TemplateContext, kept: Kept | null): Answer | null {
  return kept !== null && isOnDisk(kept) ? renderFriendly(rule.capture.answer, context, captureFields(kept)) : null;
}

/** A value of the request that would break its own message: the caller's fault, and the caller hears of it. */
export function refusePatch(error: unknown): Refusal {
  if (error instanceof PathError) {
    return { status: 400, kind: 'target', detail: 'The path of this request leads out of that of its target.' };
  }
  if (!(error instanceof PatchError)) throw error;
  const detail = `A value of this request can't be sent on as a header (${error.header}).`;
  return { status: 400, kind: 'patch', detail };
}

const isOnDisk = (kept: Kept): boolean => kept.outcome === 'committed' || kept.outcome === 'partial';

/** What an answer says of its record. */
export function captureFields(kept: Kept | null): string[] {
  if (kept === null) return [];
  if (kept.outcome === 'committed') return ['outrider-record', kept.id];
  if (kept.outcome === 'partial') return ['outrider-record', kept.id, 'outrider-capture', 'partial'];
  return ['outrider-capture', kept.outcome];
}

const BAD_BODY: Readonly<Record<BodyFault, readonly [status: number, detail: string]>> = {
  tooLarge: [413, 'The body is too large.'],
  idle: [408, 'The body stopped coming.'],
  broken: [400, 'The body is not framed as HTTP/1.1 wants it (RFC 9112 section 7.1).'],
};

function answerBadBody(flight: Flight, fault: BodyFault): void {
  flight.caller.answer(problem(...BAD_BODY[fault]));
}

/** null: there is none, or it can't be made from this request. */
function renderFriendly(
  answer: CompiledAnswer | 'relay',
  context: TemplateContext,
  fields: readonly string[],
): Answer | null {
  if (answer === 'relay') return null;
  try {
    const { status, headers, body } = renderAnswer(answer, context);
    const bytes = Buffer.from(body, 'utf8');
    return { status, headers: [...headers, 'content-length', String(bytes.length), ...fields], body: bytes };
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    return null;
  }
}

function answerPlain(flight: Flight, ending: Ending, kept: Kept | null): void {
  if (ending.kind !== 'failed') return;
  const { failure } = ending;
  const status = failureStatus({ kind: 'failed', status: null, ...failure }, failure.timedOut);
  flight.caller.answer(plainFailure(status, kept));
}

/** An answer of ours to a failure that the target has given none for, with what is known of its record. */
export function plainFailure(status: 502 | 503 | 504, kept: Kept | null): Answer {
  const record = kept !== null && isOnDisk(kept) ? { record: kept.id } : {};
  const { headers, body } = problem(status, PLAIN[status], record);
  return { status, headers: [...headers, ...captureFields(kept)], body };
}

/** Says nothing of names and addresses: those are in the record. */
const PLAIN: Readonly<Record<502 | 503 | 504, string>> = {
  502: 'The target could not be reached or did not answer properly.',
  503: 'The target is overloaded; try again.',
  504: 'The target did not answer in time.',
};

/** What is sent to a target, decided before the first attempt: hop-by-hop fields gone, ours added, then the patches. */
import { FIELD, fieldKind } from '../accept/field.ts';
import { isAuthority } from '../accept/guard.ts';
import { applyPatch, PatchError } from '../dispatch/patch.ts';
import { PathError } from '../dispatch/path-disguise.ts';
import { leavesPrefix, type Rule } from '../dispatch/rule.ts';
import type { TemplateContext } from '../dispatch/template.ts';
import type { Failure } from './failure.ts';
import type { FlightPlan } from './flight.ts';
import { type ForwardingPolicy, requestHeaders } from './headers.ts';
import type { Lane } from './lanes.ts';

/**
 * Returns null for a loop: the request has been through this process before.
 * Throws PatchError or PathError when what came with the request can't be sent on. What the configuration lacks (a token's file)
 * is a failure like any other, so that the request is kept: see `FlightPlan.problem`.
 */
export function planFlight(
  rule: Rule,
  lane: Lane,
  context: TemplateContext,
  policy: ForwardingPolicy,
  holdBytes: number,
): FlightPlan | null {
  const { head } = context;
  if (leavesPrefix(rule.target, head.uri)) throw new PathError();
  const headers = requestHeaders(head, policy);
  if (headers === null) return null;
  const { hostHeader } = rule.target.settings;
  if (hostHeader !== 'target') headers.push('Host', hostHeader === 'preserve' ? head.authority : hostHeader);
  const problem = patchProblem(headers, rule, context);
  const { timeouts } = rule;
  const { retry } = rule.target.settings;
  return { lane, uri: rule.rewriteUri(head.uri), headers: oneHost(headers), timeouts, retry, holdBytes, problem };
}

function patchProblem(headers: string[], rule: Rule, context: TemplateContext): Failure | null {
  try {
    applyPatch(headers, rule.request, context);
    applyPatch(headers, rule.target.request, context);
    return null;
  } catch (error) {
    if (!(error instanceof PatchError) || error.source !== 'config') throw error;
    return {
      reason: 'connect',
      message: `the request was not sent: ${error.message}`,
      timedOut: false,
      requestSent: 'no',
    };
  }
}

/**
 * A patch that adds a Host beside another must not send two (RFC 9112 section 3.2): the last one counts. One made of
 * what a caller sent must be a host: what is behind the target routes by it.
 */
function oneHost(headers: string[]): string[] {
  let last = -1;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (fieldKind(headers[i] ?? '') !== FIELD.host) continue;
    if (last === -1) {
      last = i;
      if (!isAuthority(headers[i + 1] ?? '')) throw new PatchError('Host', 'request', 'its value is no host');
    } else headers.splice(i, 2);
  }
  return headers;
}

import { type Explanation, explainRequest } from '../../dispatch/explain.ts';
import { compileRoutes, type Routes } from '../../dispatch/match.ts';
import { applyPatch, PatchError } from '../../dispatch/patch.ts';
import { leavesPrefix, type Rule } from '../../dispatch/rule.ts';
import { createValueSource, type ValueSource } from '../../dispatch/value-source.ts';
import type { RequestHead } from '../../exchange.ts';
import { requestHeaders } from '../../forward/headers.ts';
import type { Settings } from '../../settings.ts';
import type { CliContext } from './context.ts';

/** What would become of a request: `urls` is empty and `headers` null when nothing would be sent. */
export interface SentRequest extends Omit<Explanation, 'headers'> {
  /** One of them would be asked. */
  readonly urls: readonly string[];
  /** Name, value, name, value …, secrets masked. */
  readonly headers: readonly string[] | null;
}

/** What only a running process has. */
const PSEUDONYM = 'outrider-(process)';
const MASKED: ValueSource = { env: () => '***', file: () => '***' };

/** Gives what tells it; nothing is sent. @throws Error only for settings that validation keeps out */
export function explainer(settings: Settings, env: CliContext['env']): (head: RequestHead) => SentRequest {
  const routes = compileRoutes(settings, createValueSource({ env }));
  return (head) => {
    const rule = routes.match(head);
    const explanation = explainRequest(routes, head);
    if (rule === null) return { ...explanation, urls: [], headers: null };
    const urls = urlsFor(rule, explanation.uri);
    return { ...explanation, urls, headers: sentHeaders(rule, head, settings, routes) };
  };
}

/** A target's URLs, each with its path prefix before what is sent. */
function urlsFor(rule: Rule, uri: string): string[] {
  return rule.target.settings.urls.map(({ url }) => `${url.replace(/\/+$/, '')}${uri}`);
}

/** The steps of forward/plan.ts, on masked values; a test holds them against what a target receives. */
function sentHeaders(rule: Rule, head: RequestHead, settings: Settings, routes: Routes): string[] | null {
  const headers = requestHeaders(head, { pseudonymOf: () => PSEUDONYM, forwarded: settings.process.forwarded });
  if (headers === null || leavesPrefix(rule.target, head.uri)) return null;
  const { hostHeader, urls } = rule.target.settings;
  if (hostHeader !== 'target') headers.push('Host', hostHeader === 'preserve' ? head.authority : hostHeader);
  const context = { head, id: () => '(id)', rule: rule.name, target: rule.targetName, timestamp: 0, values: MASKED };
  try {
    applyPatch(headers, rule.request, context);
    applyPatch(headers, routes.target(rule.targetName).request, context);
  } catch (error) {
    // The explanation has told it.
    if (error instanceof PatchError) return null;
    throw error;
  }
  const named = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  return named ? headers : ['Host', new URL(urls[0]?.url ?? 'http://localhost').host, ...headers];
}

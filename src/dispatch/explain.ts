/** What would become of a request, for people: nothing is sent, and no secret is shown. */
import type { RequestHead } from '../exchange.ts';
import type { ConditionKind } from './conditions.ts';
import type { Routes } from './match.ts';
import { applyPatch, type CompiledPatch, PatchError } from './patch.ts';
import { PathError } from './path-disguise.ts';
import { leavesPrefix, type Rule } from './rule.ts';
import type { TemplateContext } from './template-value.ts';
import type { ValueSource } from './value-source.ts';

export interface Explanation {
  /** Name of the rule (`default` for a default), null: rejected with 404. */
  readonly rule: string | null;
  readonly target: string | null;
  /** Path and query that would be sent; the target's own path prefix comes before them. */
  readonly uri: string;
  /** Patches applied, values of files and the environment shown as `***`; hop-by-hop and forwarding fields as they came. */
  readonly headers: string[];
  /** One sentence each: rules that do not match and why, the one that does, what would be refused. */
  readonly why: string[];
}

const MASK = '***';

/** `missing` collects what is not there on the machine that explains: another than the one that serves, often. */
function masked(values: ValueSource, missing: Set<string>): ValueSource {
  return {
    env: (name) => {
      if (values.env(name) === undefined) missing.add(`the environment variable ${name} is not set here`);
      return MASK;
    },
    file: (path) => {
      if (values.file(path) === undefined) missing.add(`the file ${path} can not be read here`);
      return MASK;
    },
  };
}

/** One line, whatever it holds. */
function shown(value: string | object): string {
  return JSON.stringify(value);
}

function describeFailure(rule: Rule, kind: ConditionKind, head: RequestHead): string {
  const { match } = rule.settings;
  const wanted = `it wants ${kind} ${shown(match[kind])}`;
  const start = `rule ${rule.name} (${rule.index + 1}) does not match: ${wanted}`;
  if (kind === 'listeners') return `${start}, the request came to ${shown(head.listener)}`;
  if (kind === 'methods') return `${start}, the method is ${head.method}`;
  if (kind === 'hosts') return `${start}, the host is ${shown(head.authority)}`;
  if (kind === 'paths' || kind === 'query') return `${start}, the request is for ${shown(head.uri)}`;
  return `${start}, the request has ${describeHeaders(Object.keys(match.headers), head)}`;
}

function describeHeaders(names: readonly string[], head: RequestHead): string {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const found: string[] = [];
  for (let i = 0; i + 1 < head.rawHeaders.length; i += 2) {
    const name = head.rawHeaders[i] ?? '';
    if (wanted.has(name.toLowerCase())) found.push(`${name}: ${head.rawHeaders[i + 1] ?? ''}`);
  }
  return found.length === 0 ? 'none of them' : shown(found);
}

function tryPatch(headers: string[], patch: CompiledPatch, context: TemplateContext, why: string[]): void {
  try {
    applyPatch(headers, patch, context);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    why.push(`it would not be sent: ${error.message}`);
  }
}

/**
 * Which rule, why not an earlier one, and what would be sent. `at` stands for what only a real exchange has: its id,
 * and its arrival in epoch seconds.
 */
export function explainRequest(routes: Routes, head: RequestHead, at = { id: '(id)', timestamp: 0 }): Explanation {
  const rule = routes.match(head);
  const why = routes.failures(head).map((failure) => describeFailure(failure.rule, failure.kind, head));
  const headers = [...head.rawHeaders];
  if (rule === null) {
    why.push('no rule matches and the default is reject: the answer is 404');
    return { rule: null, target: null, uri: head.uri, headers, why };
  }
  why.push(
    rule.index < 0
      ? `no rule matches: the default sends it to ${rule.targetName}`
      : `rule ${rule.name} (${rule.index + 1}) matches: it goes to ${rule.targetName}`,
  );
  if (leavesPrefix(rule.target, head.uri))
    why.push(`it would not be sent: ${new PathError().message}: the answer is 400`);
  const missing = new Set<string>();
  const context: TemplateContext = {
    head,
    id: () => at.id,
    rule: rule.name,
    target: rule.targetName,
    timestamp: at.timestamp,
    values: masked(routes.values, missing),
  };
  tryPatch(headers, rule.request, context, why);
  tryPatch(headers, rule.target.request, context, why);
  for (const fact of missing) why.push(`${fact}: its value is shown as if it were there`);
  return { rule: rule.name, target: rule.targetName, uri: rule.rewriteUri(head.uri), headers, why };
}

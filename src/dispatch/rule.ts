/** Rules and targets as requests meet them: everything that is the same for every request has been made ready. */
import type { RuleSettings, TargetSettings, Timeouts } from '../settings.ts';
import { type CompiledCapture, compileCapture } from './capture-rule.ts';
import { type CompiledPatch, compilePatch } from './patch.ts';
import { compilePath, pathEnd, replacePrefix } from './path.ts';
import { leadsUp } from './path-disguise.ts';
import { toPath } from './wire.ts';

export interface CompiledTarget {
  readonly name: string;
  readonly settings: TargetSettings;
  /** A URL of it has a path, which is put before that of the request. */
  readonly hasPrefix: boolean;
  /** Applied after the rule's. */
  readonly request: CompiledPatch;
}

export interface Rule {
  readonly name: string;
  /** Place among the rules, from 0; -1: a default. */
  readonly index: number;
  readonly settings: RuleSettings;
  readonly targetName: string;
  readonly target: CompiledTarget;
  readonly request: CompiledPatch;
  readonly response: CompiledPatch;
  /** Milliseconds, 0 no limit: the rule's own, else the target's. */
  readonly timeouts: Timeouts;
  readonly capture: CompiledCapture;
  /** Path and query to send for those that came; the target's own path prefix is not in it. */
  rewriteUri(uri: string): string;
}

/** Whether the path of a request may lead out of the path that its target's URL has. */
export function leavesPrefix({ hasPrefix }: CompiledTarget, uri: string): boolean {
  return hasPrefix && leadsUp(uri.slice(0, pathEnd(uri)));
}

/** Throws PatchError, TemplateError. */
export function compileTarget(settings: TargetSettings): CompiledTarget {
  const hasPrefix = settings.urls.some(({ url }) => new URL(url).pathname !== '/');
  return { name: settings.name, settings, hasPrefix, request: compilePatch(settings.request.headers) };
}

function resolveTimeouts(rule: RuleSettings['timeouts'], target: Timeouts): Timeouts {
  return {
    connect: rule.connect ?? target.connect,
    response: rule.response ?? target.response,
    idle: rule.idle ?? target.idle,
    total: rule.total ?? target.total,
  };
}

function compileRewrite(settings: RuleSettings): Rule['rewriteUri'] {
  const { replacePrefix: configured } = settings.request.path;
  if (configured === null) return (uri) => uri;
  const replacement = toPath(configured);
  const paths = settings.match.paths.map(compilePath);
  return (uri) => replacePrefix(uri, paths, replacement);
}

/** Throws PatchError, TemplateError. */
export function compileRule(settings: RuleSettings, index: number, target: CompiledTarget): Rule {
  return {
    name: settings.name,
    index,
    settings,
    targetName: target.name,
    target,
    request: compilePatch(settings.request.headers),
    response: compilePatch(settings.response.headers),
    timeouts: resolveTimeouts(settings.timeouts, target.settings.timeouts),
    capture: compileCapture(settings.capture),
    rewriteUri: compileRewrite(settings),
  };
}

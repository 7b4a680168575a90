/** From the validated configuration to the settings that the rest of Outrider runs on. */
import type {
  ListenerAuth,
  ListenerSettings,
  ProcessSettings,
  RouteSettings,
  RuleSettings,
  TargetSettings,
  ValueMatch,
} from '../../settings.ts';
import type { Configuration } from './definition.ts';
import { REDACTED_FIELDS, REDACTED_HEADERS, REDACTED_PATTERNS } from './definition-process.ts';
import { rule as ruleDefinition } from './definition-rule.ts';
import { isLoopback } from './field.ts';

/** An application beside us reuses its connection all day; what comes from elsewhere is not waited for. */
const loopbackKeepAlive = 3_600_000;
const otherKeepAlive = 60_000;

type Rule = Configuration['rules'][number];
type Target = Configuration['targets'][string];

/** @param bufferBytes what `limits.bufferBytes: auto` stands for on this machine */
export function assembleProcess(configuration: Configuration, bufferBytes: number): ProcessSettings {
  const { listeners, metrics, admin, shutdown, spool, kafka, limits, intercept, templates, forwarded, log } =
    configuration;
  const { acceptWait: _acceptWait, ...capture } = configuration.capture;
  const { sealKeyFile: _sealKeyFile, ...mirror } = kafka;
  return {
    listeners: listeners.map(assembleListener),
    metrics,
    admin,
    shutdown,
    spool,
    kafka: mirror,
    capture: { ...capture, redact: assembleRedact(capture.redact) },
    limits: { ...limits, bufferBytes: limits.bufferBytes === 'auto' ? bufferBytes : limits.bufferBytes },
    intercept,
    templates,
    forwarded,
    log,
  };
}

/** Lists of secrets add to the default ones: who names a header of its own must not show all the others by it. */
function assembleRedact(redact: Configuration['capture']['redact']): ProcessSettings['capture']['redact'] {
  const { headers, fields, patterns, keepOriginal } = redact;
  return {
    headers: addedTo(REDACTED_HEADERS, headers),
    fields: addedTo(REDACTED_FIELDS, fields),
    patterns: REDACTED_PATTERNS.filter((name) => !patterns.includes(`-${name}`)),
    keepOriginal,
  };
}

function addedTo(defaults: readonly string[], names: readonly string[]): string[] {
  const lower = new Set(names.map((name) => name.toLowerCase()));
  const own = names.filter((name) => !name.startsWith('-'));
  return [...new Set([...defaults.filter((name) => !lower.has(`-${name}`)), ...own])];
}

/** @param fallback what `default` is where the document doesn't say */
export function assembleRoutes(configuration: Configuration, fallback: string): RouteSettings {
  const target = configuration.default ?? fallback;
  return {
    targets: Object.entries(configuration.targets).map(([name, definition]) => assembleTarget(name, definition)),
    rules: configuration.rules.map(assembleRule),
    default: target,
    defaultRule: { ...assembleRule(ruleDefinition.parse({ name: 'unnamed', target })), name: 'default' },
    tests: configuration.tests.map(({ request, headers, expect }) => ({ request, headers, expect: defined(expect) })),
  };
}

function assembleListener(listener: Configuration['listeners'][number]): ListenerSettings {
  const { name, address, auth, tls, tolerate, target } = listener;
  const keepAlive = listener.keepAlive ?? (isLoopback(address) ? loopbackKeepAlive : otherKeepAlive);
  return { name, address, auth: assembleAuth(auth), tls, tolerate, keepAlive, target };
}

function assembleAuth(auth: Configuration['listeners'][number]['auth']): ListenerAuth {
  if (auth === 'none') return { kind: 'none' };
  const { bearer, basic, cidrs = [] } = auth;
  if (bearer !== undefined) return { kind: 'bearer', file: bearer.file };
  return basic === undefined ? { kind: 'cidrs', cidrs } : { kind: 'basic', file: basic.file };
}

function assembleTarget(name: string, target: Target): TargetSettings {
  const { urls, balance, hostHeader, request, timeouts, retry, circuitBreaker, connections, tls } = target;
  return { name, urls, balance, hostHeader, request, timeouts, retry, circuitBreaker, connections, tls };
}

function assembleRule(rule: Rule): RuleSettings {
  const { name, request, response, target, timeouts, capture } = rule;
  const { headers, query, ...match } = rule.match;
  return {
    name,
    match: { ...match, headers: valueMatches(headers), query: valueMatches(query) },
    request,
    response,
    target,
    timeouts: {
      connect: timeouts.connect ?? null,
      response: timeouts.response ?? null,
      idle: timeouts.idle ?? null,
      total: timeouts.total ?? null,
    },
    capture,
  };
}

function valueMatches(matches: Rule['match']['headers']): Record<string, ValueMatch> {
  const result: Record<string, ValueMatch> = {};
  for (const [name, match] of Object.entries(matches)) {
    if (typeof match === 'string' || Array.isArray(match)) result[name] = match;
    else result[name] = match.absent === true ? { absent: true } : { present: true };
  }
  return result;
}

type Expectation = RouteSettings['tests'][number]['expect'];

function defined(expect: Configuration['tests'][number]['expect']): Expectation {
  const { target, rule, headers, path } = expect;
  return {
    ...(target !== undefined && { target }),
    ...(rule !== undefined && { rule }),
    ...(headers !== undefined && { headers }),
    ...(path !== undefined && { path }),
  };
}

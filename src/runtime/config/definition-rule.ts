/** One rule of routes.yaml: what it matches, what it changes, where it sends, what it keeps. */
import * as z from 'zod';
import { isPlainPath } from '../../dispatch/path.ts';
import { headerName, headerValue, later, laterMark, method, name, quoted, template, wholeNumber } from './field.ts';
import { didYouMean, shown } from './suggest.ts';
import { duration } from './units.ts';

const timer = duration({ zero: true, max: 2 ** 31 - 1 });

/**
 * Framing and hop-by-hop fields (RFC 9112 section 6, RFC 9110 section 7.6.1): Outrider writes them itself, and a
 * patch of one would let two parties read one message as two.
 */
const unpatchable = new Set(
  'content-length transfer-encoding connection keep-alive proxy-connection te trailer upgrade expect http2-settings proxy-authenticate proxy-authorization'.split(
    ' ',
  ),
);

const defaultWhen = 'connect dns tls timeout reset protocol truncated clientAbort 502 503 504'.split(' ');
/** `status` is not among them: a status fails only because it is named here. */
const captureReasons = 'connect dns tls timeout reset protocol truncated overload clientAbort'.split(' ');

/** Why a patch may not touch a header, or null. */
export function patchNameMistake(
  side: 'request' | 'response',
  action: 'set' | 'add' | 'remove',
  text: string,
): string | null {
  const lower = text.toLowerCase();
  if (unpatchable.has(lower)) return `"${text}" belongs to the connection or the framing: Outrider writes it itself`;
  if (action === 'remove') return lower === 'host' && side === 'request' ? 'every request needs a Host' : null;
  if (lower.startsWith('outrider-')) return `"${text}": names that start with outrider- are Outrider's own`;
  if (lower === 'host' && (side === 'response' || action === 'add')) return 'Host can only be set, and in a request';
  return null;
}

function patchName(side: 'request' | 'response', action: 'set' | 'add' | 'remove') {
  return headerName.superRefine((text, context) => {
    const mistake = patchNameMistake(side, action, text);
    if (mistake !== null) context.addIssue(mistake);
  });
}

function patchValues(side: 'request' | 'response', action: 'set' | 'add') {
  return z.record(patchName(side, action), headerValue).superRefine((patch, context) => {
    const seen = new Map<string, string>();
    for (const header of Object.keys(patch)) {
      const twin = seen.get(header.toLowerCase());
      const message = `the same header as "${twin}": names have no case`;
      if (twin !== undefined) context.addIssue({ code: 'custom', message, path: [header] });
      seen.set(header.toLowerCase(), header);
    }
  });
}

export function headerPatch(side: 'request' | 'response') {
  return z
    .strictObject({
      set: patchValues(side, 'set').prefault({}).describe('Takes the place of every header of that name. Templates.'),
      add: patchValues(side, 'add').prefault({}).describe('Added beside those of that name. Templates.'),
      remove: z.array(patchName(side, 'remove')).prefault([]).describe('Removed first.'),
    })
    .describe('Headers: first removed, then set, then added.');
}

const valueWords = 'a header or query value';

const valueMatch = z.union(
  [
    quoted(valueWords),
    z.array(quoted(valueWords)).min(1, 'a list of no values matches nothing'),
    z
      .strictObject({
        absent: z.literal(true).optional().describe('It must not be there.'),
        present: z.literal(true).optional().describe('Any value will do.'),
      })
      .refine((match) => Object.keys(match).length === 1, 'expected {absent: true} or {present: true}'),
  ],
  {
    error: ({ input }) =>
      typeof input === 'number' || typeof input === 'boolean'
        ? `found ${shown(input)}; ${valueWords} is text: quote it`
        : `found ${shown(input)}; expected a text, a list of texts, {absent: true} or {present: true}`,
  },
);

const path = z.string().superRefine((text, context) => {
  const mistake = pathMistake(text);
  if (mistake !== null) context.addIssue(mistake);
});

function pathMistake(text: string): string | null {
  const found = `found ${shown(text)}`;
  if (!text.startsWith('/')) return `${found}; a path starts with /`;
  const exact = text.endsWith('/*') ? text.slice(0, -1) : text;
  if (exact.includes('*')) return `${found}; * is only allowed at the end, after a slash: /api/*`;
  if (/[?#]/.test(text)) return `${found}; a path has no ? and no #: match the query with \`query\``;
  if (/[^\x21-\x7e]/.test(text)) return `${found}; write it as it is sent: percent-encoded`;
  if (!isPlainPath(exact, exact.length)) {
    return `${found}; it can never match: paths with //, \\, dot segments or encoded dots, slashes, NUL match no rule`;
  }
  return null;
}

const host = z.string().regex(/^(\*|(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/, {
  error: ({ input }) => `found ${shown(input)}; expected a host or *.example.com, without a scheme and without a port`,
});

const match = z.strictObject({
  listeners: z.array(z.string()).prefault([]).describe('Names of listeners; empty: all.'),
  methods: z.array(method).prefault([]).describe('Empty: all.'),
  hosts: z
    .array(host)
    .prefault([])
    .describe('Host that is forwarded, without its port; *.example.com: every name below; empty: all.'),
  paths: z.array(path).prefault([]).describe('Exact, or with /* at the end whole segments below; empty: all.'),
  headers: z.record(headerName, valueMatch).prefault({}).describe('Every value must match; a * stands for anything.'),
  query: z.record(z.string(), valueMatch).prefault({}).describe('Every value must match; a * stands for anything.'),
});

const captureWhen = z.union([z.string(), z.int()]).transform((value, context) => {
  const text = String(value);
  if (captureReasons.includes(text) || /^([1-5]\d\d|[45]xx|all|none)$/.test(text)) return text;
  const meant = didYouMean(text, [...captureReasons, 'all', 'none', '4xx', '5xx']);
  const allowed = `${captureReasons.join(', ')}, 4xx, 5xx, all, none, or a status such as "502"`;
  context.addIssue(`found ${shown(value)}; allowed: ${allowed}${meant}`);
  return z.NEVER;
});

function answer(status: number) {
  return z.strictObject({
    status: wholeNumber(200, 599).prefault(status).describe('Status of the answer.'),
    headers: patchValues('response', 'set').prefault({}).describe('Headers of the answer. Templates.'),
    body: template.prefault('').describe('Body of the answer. Templates, escaped for its content-type.'),
  });
}

const capture = z.strictObject({
  when: z
    .array(captureWhen)
    .refine((all) => all.length === 1 || !all.includes('none'), '"none" stands alone')
    .prefault(defaultWhen)
    .describe('Reasons and statuses that are failures and kept; also 4xx, 5xx, all, none.'),
  methods: z.array(method).prefault([]).describe('Empty: all.'),
  answer: z
    .union([z.literal('relay'), answer(503)], {
      error: ({ input }) => `found ${shown(input)}; expected relay, or a mapping with status, headers and body`,
    })
    .prefault('relay')
    .describe("What the caller of a kept failure gets: relay (the target's answer, else 502 or 504) or this."),
});

const callback = z.strictObject({
  query: z.string().optional().describe('Query parameter with the URL.'),
  header: z.string().optional().describe('Header with the URL.'),
  allow: z.array(z.string()).optional().describe('Hosts and ranges that may be called.'),
  secretFile: z.string().optional().describe('File with the key that signs.'),
  events: z
    .array(z.enum(['accepted', 'retrying', 'delivered', 'failed']))
    .optional()
    .describe('What is told.'),
});

const dedupe = z.strictObject({
  by: z.enum(['idempotencyKey', 'content']).describe('What makes two requests one.'),
  caller: z.string().optional().describe('Header that tells callers apart.'),
  within: duration().optional().describe('How long it is remembered.'),
});

const delivery = z.strictObject({
  mode: later(z.enum(['inline', 'deadline', 'queued']), 'inline').describe('When the caller is answered.'),
  after: later(duration(), '2s').describe('deadline: when the caller is released.'),
  wait: later(duration({ zero: true }), '0s').describe('queued: how long the connection is held for the answer.'),
  redeliver: later(z.union([z.literal(false), z.enum(['safe', 'always'])]), false).describe('Which inline failures.'),
  ordered: later(z.boolean(), false).describe('One at a time.'),
  schedule: later(z.array(duration()), []).describe("Over the process's."),
  answer: later(answer(202), { status: 202 }).describe('What a released caller gets.'),
  callback: later(z.union([z.literal('none'), callback]), 'none').describe('Who is told.'),
  dedupe: later(z.union([z.literal('none'), dedupe]), 'none').describe('What counts as the same request.'),
});

const fault = z.strictObject({
  status: wholeNumber(200, 599).optional().describe('Answer with it.'),
  first: wholeNumber(0).optional().describe('How many requests fail.'),
  percent: z.number().min(0).max(100).optional().describe('Which part of them.'),
  delay: duration({ zero: true }).optional().describe('Wait before.'),
  reset: z.boolean().optional().describe('Reset the connection.'),
});

const recordWords = z.string().regex(/^(failures|all|sample \d+(\.\d+)?%)$/, {
  error: ({ input }) => `found ${shown(input)}; allowed: failures, all, sample 1%`,
});

const ruleTimeouts = z.strictObject({
  connect: timer.optional().describe('Until a connection is there.'),
  response: timer.optional().describe('Until the head of the answer.'),
  idle: timer.optional().describe('Longest pause in the body of the answer.'),
  total: timer.optional().describe('The whole exchange.'),
});

const requestPath = z.strictObject({
  replacePrefix: path
    .refine((text) => !text.endsWith('/*'), 'no * here: write the prefix itself')
    .nullable()
    .prefault(null)
    .describe('Takes the place of the part of the path that the matching entry of `paths` named.'),
});

const ruleRateLimit = z.strictObject({
  rate: z.string().describe('Requests a second, minute or hour.'),
  burst: wholeNumber(1).optional().describe('How many may come at once.'),
});

export const rule = z.strictObject({
  name: name('a rule')
    .refine((text) => text !== 'default', 'a rule can\'t be called "default": that names what no rule matches')
    .describe('Name of the rule: in logs, metrics and records.'),
  match: match.prefault({}).describe('All given kinds must hold.'),
  request: z
    .strictObject({
      headers: headerPatch('request').prefault({}),
      path: requestPath.prefault({}).describe('Path that the target sees.'),
    })
    .prefault({})
    .describe('Changes of the request.'),
  response: z
    .strictObject({ headers: headerPatch('response').prefault({}) })
    .prefault({})
    .describe('Changes of the answer.'),
  target: z.string().describe('Name of a target.'),
  timeouts: ruleTimeouts.prefault({}).describe("Over the target's."),
  rateLimit: later(z.union([z.string(), ruleRateLimit]), '').describe('A rate, or the name of a limit.'),
  capture: capture.prefault({}).describe('What is kept, and what its caller gets.'),
  delivery: delivery.prefault({}).describe('How the exchange is delivered.'),
  record: later(recordWords, 'failures').describe('Which exchanges are kept.'),
  fault: fault
    .optional()
    .refine((value) => value === undefined, 'not in this version: leave it out')
    .meta({ [laterMark]: true })
    .describe('A failure on purpose, for tests of the application.'),
});

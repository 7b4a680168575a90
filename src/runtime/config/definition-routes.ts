/** routes.yaml: targets, the default, tests, and the rules of definition-rule.ts. */
import * as z from 'zod';
import { headerPatch, rule } from './definition-rule.ts';
import { filePath, later, method, name, quoted, url, wholeNumber } from './field.ts';
import { shown } from './suggest.ts';
import { duration, rate } from './units.ts';

const timer = duration({ zero: true, max: 2 ** 31 - 1 });

/** What a target can fail with; clientAbort and status are not the target's. */
const retryReasons = ['connect', 'dns', 'tls', 'timeout', 'reset', 'protocol', 'truncated', 'overload'];

const retryCause = z.union([z.string(), z.int()]).transform((value, context) => {
  const text = String(value);
  if (retryReasons.includes(text) || /^([1-5]\d\d|5xx)$/.test(text)) return text;
  context.addIssue(`found ${shown(value)}; allowed: ${retryReasons.join(', ')}, 5xx, or a status such as "503"`);
  return z.NEVER;
});

const oauth2 = z.strictObject({
  tokenUrl: url.describe('Where tokens are asked for.'),
  clientId: z.string().describe('Name of this client.'),
  clientSecretFile: z.string().describe('File with its secret.'),
  scopes: z.array(z.string()).prefault([]).describe('What the token is for.'),
});

/** Also of the key `rateLimits`. */
const rateLimit = z.strictObject({
  rate: rate().describe('Requests a second, minute or hour.'),
  burst: wholeNumber(1).optional().describe('How many may come at once.'),
  whenOver: z.enum(['reject', 'wait', 'queue']).optional().describe('What becomes of the others.'),
});

const targetUrl = z.strictObject({
  url: url.describe('http:// or https://, host, port, and a path that is put before the path of each request.'),
  weight: wholeNumber(1, 1_000_000).prefault(1).describe('Share of the requests, against the others.'),
});

const tls = z.strictObject({
  ca: filePath.describe('File with the authorities (PEM); empty: those of the system.'),
  cert: filePath.describe('File with a client certificate (PEM).'),
  key: filePath.describe('File with its private key (PEM).'),
  serverName: z.string().prefault('').describe('Name that is asked for and checked; empty: the host of the URL.'),
  minVersion: z.enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']).prefault('TLSv1.2').describe('Oldest version.'),
  verify: z.boolean().prefault(true).describe('false: any certificate is believed.'),
  legacyRenegotiation: z.boolean().prefault(false).describe('For servers without RFC 5746.'),
});

export const target = z.strictObject({
  urls: z.array(targetUrl).min(1, 'at least one URL is needed').describe('Where it is; several share the load.'),
  balance: z.enum(['roundRobin', 'leastRequest']).prefault('roundRobin').describe('How a URL is chosen.'),
  hostHeader: z
    .string()
    .regex(/^[A-Za-z0-9._:[\]-]+$/, {
      error: ({ input }) => `found ${shown(input)}; expected target, preserve or a host`,
    })
    .prefault('target')
    .describe("Host that the target sees: target (its URL's), preserve (the caller's) or a name."),
  request: z
    .strictObject({ headers: headerPatch('request').prefault({}) })
    .prefault({})
    .describe('Patched at send time, never recorded.'),
  auth: later(
    z.union([z.literal('none'), z.strictObject({ oauth2: oauth2.describe('Client credentials (RFC 6749).') })]),
    'none',
  ).describe('Credentials for the target.'),
  timeouts: z
    .strictObject({
      connect: timer.prefault('2s').describe('Until a connection is there.'),
      response: timer.prefault('30s').describe('From the request being sent to the head of the answer.'),
      idle: timer.prefault('30s').describe('Longest pause in the body of the answer.'),
      total: timer.prefault(0).describe('The whole exchange. 0: no limit.'),
    })
    .prefault({})
    .describe('0: no limit.'),
  retry: z
    .strictObject({
      attempts: wholeNumber(1, 10).prefault(1).describe('Tries in all.'),
      when: z.array(retryCause).prefault(['connect']).describe('Reasons or statuses after which it is tried again.'),
      methods: z
        .array(method)
        .prefault([])
        .describe('Methods that are tried again though HTTP says they are not safe to.'),
    })
    .prefault({})
    .describe('Tries within one exchange.'),
  circuitBreaker: z
    .strictObject({
      failures: wholeNumber(0).prefault(5).describe('In a row, of one URL. 0: never.'),
      openFor: duration().prefault('10s').describe('How long it is left alone.'),
    })
    .prefault({})
    .describe('A URL that fails again and again is left alone while another one is well.'),
  rateLimit: later(z.union([z.string(), rateLimit]), '').describe('Requests a second.'),
  connections: z
    .strictObject({
      max: wholeNumber(1).prefault(256).describe('To each URL.'),
      waiting: wholeNumber(0).prefault(1024).describe('Requests that wait for a connection; more fail as overload.'),
      maxAge: duration({ zero: true }).prefault('5m').describe('When a connection is retired. 0: never.'),
    })
    .prefault({})
    .describe('Pool of connections.'),
  tls: tls.prefault({}).describe('For https:// URLs. Its files are read anew within seconds when they change.'),
  proxy: later(z.string(), '').describe('HTTP proxy on the way to the target.'),
});

const routeTest = z.strictObject({
  request: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ (\/|https?:\/\/)\S*$/, {
      error: ({ input }) => `found ${shown(input)}; expected a method and a path, such as GET /api/x`,
    })
    .describe('Method and path, such as GET /api/x.'),
  headers: z.record(z.string(), quoted('a header value')).prefault({}).describe('Headers of the request.'),
  expect: z
    .strictObject({
      target: z.string().optional().describe('Name of the target, or reject.'),
      rule: z.string().optional().describe('Name of the rule, or default.'),
      headers: z.record(z.string(), quoted('a header value')).optional().describe('Headers that the target gets.'),
      path: z.string().optional().describe('Path and query that the target gets.'),
    })
    .refine((expected) => Object.keys(expected).length > 0, 'nothing is expected: name a target, rule, headers or path')
    .describe('What must come of it.'),
});

const shortTarget = url.transform((text) => ({ urls: [{ url: text }] })).pipe(target);

/** Every key of routes.yaml. */
export const routesShape = {
  targets: z
    .record(
      name('a target').refine(
        (text) => text !== 'reject',
        'a target can\'t be called "reject": that is the default that answers 404',
      ),
      z.union([shortTarget, target], {
        error: ({ input }) => `found ${shown(input)}; expected a URL or a mapping with urls`,
      }),
    )
    .prefault({})
    .describe('Where requests go, by name: a URL, or a mapping.'),
  rateLimits: later(z.record(z.string(), rateLimit), {}).describe('Named limits, used by several rules.'),
  rules: z.array(rule).prefault([]).describe('The first that matches wins.'),
  default: z
    .string()
    .optional()
    .describe('Target for what no rule matches, or reject (404). Required, except where every listener has a target.'),
  tests: z.array(routeTest).prefault([]).describe('Checked by `outrider test`, and before an edit is applied.'),
};

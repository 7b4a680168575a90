/** The Go proxy: it had no configuration file, so the input is a list of what its code held. */
import * as z from 'zod';
import { ConfigError } from '../errors.ts';
import { type Lines, notYet, printYaml } from './convert-print.ts';
import { name, url } from './field.ts';
import { formatPath, validate } from './mistakes.ts';
import { parseYaml } from './parse-yaml.ts';
import { parseDuration, parseRate } from './units.ts';

/** Checked here, printed as it was written. */
const rateText = z.string().refine((text) => parseRate(text) !== null, 'expected a rate such as 10/s');
const durationText = z.string().refine((text) => parseDuration(text) !== null, 'expected a duration such as 2s');

const endpointsDefinition = z.strictObject({
  endpoints: z
    .array(
      z.strictObject({
        name: name('an endpoint').optional(),
        path: z.string().startsWith('/', 'a path starts with /'),
        methods: z.array(z.string()).prefault([]),
        url,
        /** Its own limit, or the name of a shared one. */
        rate: rateText.optional(),
        limiter: z.string().optional(),
        /** File with the token that is set for the target. */
        token: z.string().startsWith('/', 'an absolute path of a file').optional(),
        /** When the caller is released. */
        release: durationText.optional(),
        callback: z.boolean().prefault(false),
      }),
    )
    .min(1, 'at least one endpoint is needed'),
  limiters: z.record(z.string(), rateText).prefault({}),
});

type Endpoint = z.output<typeof endpointsDefinition>['endpoints'][number];

export function convertProxy(input: string): Lines {
  const yaml = parseYaml(input, 'input');
  const { output, mistakes } = validate(endpointsDefinition, yaml.value);
  if (output === null) {
    throw new ConfigError(
      mistakes.map(({ path, message, of }) => ({
        file: 'input',
        ...yaml.placeOf(path, of),
        path: formatPath(path),
        message,
      })),
    );
  }
  const named = output.endpoints.map((endpoint, index) => ({
    ...endpoint,
    name: endpoint.name ?? `endpoint-${index + 1}`,
  }));
  const files = [...new Set(named.flatMap(({ token }) => token ?? []))];
  return [
    '# From the Go proxy: what is listed is forwarded, all else is answered 404.',
    ...printYaml({ apiVersion: 'outrider.dev/v1', ...(files.length > 0 && { templates: { files } }) }),
    ...printYaml({ targets: Object.fromEntries(named.map((endpoint) => [endpoint.name, targetOf(endpoint)])) }),
    ...limitersOf(output.limiters),
    'rules:',
    ...named.flatMap(ruleOf),
    'default: reject',
  ];
}

/** The token is set when the request is sent: it is never recorded. */
function targetOf({ url: address, token }: Endpoint): unknown {
  if (token === undefined) return address;
  return { urls: [{ url: address }], request: { headers: { set: { authorization: `Bearer \${file:${token}}` } } } };
}

function limitersOf(limiters: Readonly<Record<string, string>>): Lines {
  const entries = Object.entries(limiters).map(([key, value]) => [key, { rate: value }]);
  return entries.length === 0 ? [] : notYet(printYaml({ rateLimits: Object.fromEntries(entries) }));
}

function ruleOf(endpoint: Endpoint & { name: string }): Lines {
  const { name: rule, path, methods, rate: limit, limiter, release, callback } = endpoint;
  const match = { ...(methods.length > 0 && { methods }), paths: [path] };
  const delivery = {
    ...(release !== undefined && { mode: 'deadline', after: release }),
    ...(callback && { callback: { query: 'callback' } }),
  };
  const later = {
    ...((limit ?? limiter) !== undefined && { rateLimit: limit ?? limiter }),
    ...(Object.keys(delivery).length > 0 && { delivery }),
  };
  return [
    ...printYaml([{ name: rule, match, target: rule }], 2),
    ...(Object.keys(later).length > 0 ? notYet(printYaml(later), 4) : []),
  ];
}

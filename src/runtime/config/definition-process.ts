/** outrider.yaml: every key of the process, its default, its unit and what it is for. */
import * as z from 'zod';
import { auth, cidr } from './definition-auth.ts';
import { kafka } from './definition-kafka.ts';
import { address, filePath, headerName, hostName, later, name, urlMistake, wholeNumber } from './field.ts';
import { isOwnTarget } from './own-target-form.ts';
import { shown } from './suggest.ts';
import { duration, rate, size } from './units.ts';

const tlsOfListener = z
  .strictObject({
    cert: filePath.describe('File with the certificate chain (PEM).'),
    key: filePath.describe('File with the private key (PEM).'),
    clientCa: filePath.describe('File with the authorities whose client certificates are required; empty: none.'),
  })
  .prefault({});

const listener = z.strictObject({
  name: name('a listener').describe('Name of the listener: in rules, metrics and logs.'),
  address: address.describe('host:port. localhost: 127.0.0.1 and, where there is one, ::1; *: every address.'),
  auth: auth.prefault('none').describe('Who may send requests. Needed beyond loopback once a target has credentials.'),
  tls: tlsOfListener.describe('Serve HTTPS with this certificate.'),
  tolerate: z
    .array(z.enum(['missing-host', 'raw-target', 'bare-lf', 'obs-fold']))
    .prefault([])
    .describe(
      'What frozen clients get wrong and is repaired, on loopback and without tls only; never what frames a message.',
    ),
  keepAlive: duration({ zero: true })
    .optional()
    .describe('How long an idle connection is kept. Default: 1h on loopback, else 60s.'),
  target: z
    .string()
    .superRefine((text, context) => {
      const mistake = isOwnTarget(text) ? urlMistake(text) : null;
      if (mistake !== null) context.addIssue(mistake);
    })
    .prefault('')
    .describe(
      'Target for what comes in here and matches no rule; empty: the default. A URL: only rules that name this listener are asked first.',
    ),
});

const events = z.strictObject({
  enabled: later(z.boolean(), false).describe('Take copies of exchanges from others.'),
  address: later(address, '*:8080').describe('host:port of the event receiver.'),
  tokenFile: later(z.string(), '').describe('File with the token that senders need.'),
  spop: later(z.string(), '').describe('host:port for HAProxy stream processing agents.'),
  expireAfter: later(duration(), '30m').describe('How long a half waits for the other half.'),
  maxBytes: later(size(), '64Mi').describe('Of all events in memory.'),
  correlate: later(z.array(z.string()), ['id']).describe('Fields that join a request to its response.'),
  process: later(z.array(z.unknown()), []).describe('Processors.'),
  exporters: later(z.array(z.unknown()), []).describe('Where joined events go.'),
});

const spool = z.strictObject({
  enabled: z.boolean().prefault(true).describe('Keep failed exchanges on disk.'),
  path: z.string().min(1).prefault('./var/spool').describe('Folder; each pod makes its own subfolder there.'),
  size: size({ min: 2 ** 20 })
    .prefault('256Mi')
    .describe('Of everything in the folder.'),
  whenFull: z
    .enum(['refuse', 'dropOldest'])
    .prefault('refuse')
    .describe('Released records always go first; dropOldest then gives up the oldest others, counted as lost.'),
  keep: duration({ zero: true }).prefault('7d').describe('How long released records stay for browsing.'),
  maxAge: duration({ zero: true })
    .prefault(0)
    .describe('Age in running time at which an unreleased record is given up, counted as lost. 0: never.'),
  keyFile: filePath.describe('Keys that seal the payloads; empty: made on first start beside the spool.'),
  required: z
    .boolean()
    .prefault(false)
    .describe('true: do not start, and answer 503, without a working spool on a real volume.'),
  acceptLoss: later(z.boolean(), false).describe('Allow queued work on a volume that goes with the pod.'),
});

const delivery = z.strictObject({
  by: later(z.enum(['sidecar', 'worker']), 'sidecar').describe('Who redelivers.'),
  schedule: later(z.array(duration()), ['1s', '5s', '30s', '5m', '30m', '2h', '6h']).describe('Waits between tries.'),
  jitter: later(z.number().min(0).max(1), 0.2).describe('Part of a wait that is random.'),
  maxAge: later(duration({ zero: true }), '24h').describe('When a delivery is given up.'),
  inFlight: later(wholeNumber(1), 16).describe('Redeliveries at once, for each target.'),
  retryBudget: later(z.number().min(0), 0.2).describe('Of live traffic to the same target.'),
});

/** What is taken out of everything that leaves the process, whatever a configuration adds. */
export const REDACTED_HEADERS = 'authorization cookie set-cookie proxy-authorization x-api-key x-auth-token'.split(' ');
export const REDACTED_FIELDS =
  'password passwd secret token access_token refresh_token api_key apikey authorization credit_card'.split(' ');
export const REDACTED_PATTERNS = ['bearer', 'jwt', 'private-key', 'aws-key', 'card-number'] as const;
const NOT_REDACTED_PATTERNS = ['-bearer', '-jwt', '-private-key', '-aws-key', '-card-number'] as const;
const ADDS = 'Added to the default; -NAME takes one off it.';

/** A `-NAME` that is not on the list would do nothing, and say nothing. */
const takesOff =
  (defaults: readonly string[]) =>
  (names: readonly string[], context: z.core.$RefinementCtx): void => {
    for (const [index, name] of names.entries()) {
      if (!name.startsWith('-') || defaults.includes(name.slice(1).toLowerCase())) continue;
      const message = `found ${shown(name)}; -NAME takes off one of ${defaults.join(', ')}`;
      context.addIssue({ code: 'custom', message, path: [index] });
    }
  };

const redact = z.strictObject({
  headers: z
    .array(headerName)
    .superRefine(takesOff(REDACTED_HEADERS))
    .prefault(REDACTED_HEADERS)
    .describe(`Headers whose values never leave the process. ${ADDS}`),
  fields: z
    .array(z.string().min(1))
    .superRefine(takesOff(REDACTED_FIELDS))
    .prefault(REDACTED_FIELDS)
    .describe(`Fields in JSON, forms, multipart and query whose values never leave the process. ${ADDS}`),
  patterns: z
    .array(z.enum([...REDACTED_PATTERNS, ...NOT_REDACTED_PATTERNS]))
    .prefault([...REDACTED_PATTERNS])
    .describe(`Texts that never leave the process, wherever they are. ${ADDS}`),
  keepOriginal: z
    .boolean()
    .prefault(true)
    .describe('true: the original stays sealed, for faithful replay; false: redacted before the first write.'),
});

const capture = z.strictObject({
  wait: duration({ zero: true }).prefault('1s').describe("How long a failure's answer waits for the disk."),
  acceptWait: later(duration(), '5s').describe('How long a 202 waits for the disk.'),
  readWait: duration({ zero: true }).prefault('10s').describe('How long the rest of a failed request is read.'),
  memory: size({ zero: true })
    .prefault('8Mi')
    .describe('All copies of live bodies, at most a quarter of limits.bufferBytes; above it copies are files.'),
  body: size({ zero: true }).prefault('64Mi').describe('Most that is kept of one request.'),
  response: size({ zero: true }).prefault('64Ki').describe('Most that is kept of a failed answer.'),
  rate: rate().prefault(0).describe('Captures a second; beyond it they are counted as lost. 0: no limit.'),
  redact: redact.prefault({}).describe('What is removed from everything that leaves the process.'),
});

const timer = duration({ zero: true, max: 2 ** 31 - 1 });

const limits = z.strictObject({
  bufferBytes: z
    .union([z.literal('auto'), size({ min: 2 ** 20 })], {
      error: ({ input }) => `found ${shown(input)}; expected auto, or a size of at least 1Mi`,
    })
    .prefault('auto')
    .describe(
      "All stream buffers together; from half of it on (below 64Mi: a 32nd part) callers are read in turns, at the end more requests are 503. auto: a quarter of the container's memory limit, else 64Mi.",
    ),
  inFlight: wholeNumber(1).prefault(10_000).describe('Requests at once; more are answered 503.'),
  connections: wholeNumber(1)
    .prefault(10_000)
    .describe('Connections at once, of all listeners; fewer where the process may not open so many files.'),
  requestLine: size({ min: 256, max: 2 ** 20 })
    .prefault('16Ki')
    .describe('Longest request line; 414.'),
  headerBytes: size({ min: 1024, max: 2 ** 20 })
    .prefault('32Ki')
    .describe('Largest head; 431.'),
  headerCount: wholeNumber(1, 10_000).prefault(100).describe('Most header lines; 431.'),
  body: size({ zero: true }).prefault(0).describe('Largest request body; 413. 0: no limit for live traffic.'),
  headTimeout: timer.prefault('10s').describe('How long the head of a request may take; 408. 0: no limit.'),
  bodyIdle: timer.prefault('30s').describe('Longest pause in the body of a request; 408. 0: no limit.'),
  writeIdle: timer.prefault('30s').describe('Longest time a caller takes no bytes of its answer. 0: no limit.'),
  tunnelIdle: timer.prefault('1h').describe('Longest silence of a tunnel (WebSocket). 0: no limit.'),
});

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Every key of outrider.yaml. */
export const processShape = {
  apiVersion: z.literal('outrider.dev/v1').prefault('outrider.dev/v1').describe('Format of both files.'),
  listeners: z
    .array(listener)
    .min(1, 'at least one listener is needed')
    .prefault([{ name: 'ambassador', address: 'localhost:5000' }])
    .describe('Where the application connects to. Restart needed.'),
  metrics: z
    .strictObject({
      address: address.prefault('*:5090').describe('host:port of /metrics /livez /readyz /startupz.'),
      maxRules: wholeNumber(0).prefault(200).describe('Rules beyond it are labelled "other".'),
    })
    .prefault({})
    .describe('Metrics and health. Restart needed.'),
  admin: z
    .strictObject({
      address: address.prefault('localhost:5091').describe('host:port of the page and the API.'),
      tokens: z
        .strictObject({
          read: filePath.describe('File with the token for reading; empty: none is asked for.'),
          operate: filePath.describe('File with the token for changing things.'),
        })
        .prefault({})
        .describe('Files with bearer tokens.'),
    })
    .prefault({})
    .describe('Page and API. Restart needed.'),
  events: events.prefault({}).describe('Receiver of copies of exchanges.'),
  shutdown: z
    .strictObject({
      mode: z.enum(['drain', 'native']).prefault('drain').describe('native: for a sidecar that Kubernetes stops last.'),
      max: duration({ zero: true }).prefault('25s').describe('When a drain ends at the latest.'),
    })
    .prefault({})
    .describe('What happens on SIGTERM.'),
  publicUrl: later(z.string(), '').describe('Makes Location absolute.'),
  spool: spool.prefault({}).describe('Failed exchanges on disk.'),
  kafka: kafka.prefault({}).describe('Mirror of failed exchanges.'),
  delivery: delivery.prefault({}).describe('Redelivery.'),
  capture: capture.prefault({}).describe('Copies of failed exchanges.'),
  limits: limits.prefault({}).describe('What the process takes at most.'),
  egress: z
    .strictObject({ allow: later(z.array(cidr), []).describe('Private ranges open to callbacks.') })
    .prefault({})
    .describe('Addresses that come from requests.'),
  intercept: z
    .strictObject({
      hosts: z
        .array(hostName)
        .prefault([])
        .describe(
          'Names that /etc/hosts (hostAliases of a pod) sends to a listener here: targets of these names skip it.',
        ),
    })
    .prefault({})
    .describe("Software whose URLs can't be changed."),
  templates: z
    .strictObject({
      files: z
        .array(z.string().startsWith('/', 'an absolute path'))
        .prefault(['/var/run/secrets/outrider/*'])
        .describe('Absolute paths that templates may read with file:PATH; * stands for a name or a part of one.'),
      env: z.array(z.string()).prefault([]).describe('Environment variables that templates may read with env:NAME.'),
    })
    .prefault({})
    .describe('What routes may read.'),
  forwarded: z
    .enum(['append', 'replace', 'none'])
    .prefault('append')
    .describe(
      'X-Forwarded-For, -Proto and -Host of what is forwarded; a Forwarded that came is continued (append) or removed (replace).',
    ),
  trace: later(z.enum(['pass', 'create']), 'pass').describe('W3C traceparent.'),
  faults: later(z.enum(['forbidden', 'allowed']), 'forbidden').describe('Whether rules may carry `fault`.'),
  log: z
    .strictObject({
      level: z.enum(logLevels).prefault('info').describe('Least severe level that is logged.'),
      access: z.enum(['failures', 'all', 'none']).prefault('failures').describe('Which finished exchanges are logged.'),
    })
    .prefault({})
    .describe('JSON lines on standard output.'),
};

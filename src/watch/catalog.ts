/**
 * Every metric that Outrider exports, once: registration, zero values at the first scrape and `docs/metrics.md` are
 * all made from this list. Names and units follow https://prometheus.io/docs/practices/naming/.
 */
import type { Reason } from '../exchange.ts';
import type { State } from '../record/states.ts';

/** One label. `values: null`: the values come from the configuration, and `meaning` says from where. */
export interface LabelDefinition {
  readonly name: string;
  readonly values: readonly string[] | null;
  readonly meaning: string;
}

export interface MetricDefinition {
  readonly name: `outrider_${string}`;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly LabelDefinition[];
  /** Who writes it: the path thread's meter, the keeper, or `reserved`: a name without a source in this version. */
  readonly writer: 'path' | 'keeper' | 'reserved';
}

/** Upper bounds in seconds, 1 ms to 60 s; `+Inf` is implied. */
export const BUCKETS: readonly number[] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

/** Methods that get a label value of their own: RFC 9110 section 9.3 and PATCH (RFC 5789). */
export const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
];

/** What takes the place of a value that has no label of its own. */
export const OTHER = 'other';

// Records keyed by the union type: a value added to the type and forgotten here does not compile.
const REASON_KEYS: Readonly<Record<Reason, true>> = {
  connect: true,
  dns: true,
  tls: true,
  timeout: true,
  reset: true,
  protocol: true,
  truncated: true,
  overload: true,
  status: true,
  clientAbort: true,
};
const STATE_KEYS: Readonly<Record<State, true>> = {
  pending: true,
  delivering: true,
  waiting: true,
  delivered: true,
  dead: true,
  held: true,
  handedOver: true,
  purged: true,
  lost: true,
  quarantined: true,
};
const isReasonKey = (key: string): key is Reason => Object.hasOwn(REASON_KEYS, key);
const isStateKey = (key: string): key is State => Object.hasOwn(STATE_KEYS, key);

export const REASONS: readonly Reason[] = Object.keys(REASON_KEYS).filter(isReasonKey);
export const STATES: readonly State[] = Object.keys(STATE_KEYS).filter(isStateKey);

export type CaptureOutcome = 'committed' | 'partial' | 'pending' | 'failed';
export const CAPTURE_OUTCOMES: readonly CaptureOutcome[] = ['committed', 'partial', 'pending', 'failed'];

const listener: LabelDefinition = { name: 'listener', values: null, meaning: 'name of a listener' };
const rule: LabelDefinition = {
  name: 'rule',
  values: null,
  meaning: 'name of a rule, `default`, or `other` past `metrics.maxRules`',
};
const target: LabelDefinition = {
  name: 'target',
  values: null,
  meaning: 'name of a target, `none`, or `other` past `metrics.maxRules`',
};
const reason: LabelDefinition = { name: 'reason', values: REASONS, meaning: 'why the exchange failed' };
const open = (name: string, meaning: string): LabelDefinition => ({ name, values: null, meaning });
const closed = (name: string, meaning: string, values: readonly string[]): LabelDefinition => ({
  name,
  values,
  meaning,
});

export const CATALOG = [
  {
    name: 'outrider_requests_total',
    type: 'counter',
    writer: 'path',
    help: 'Exchanges that ended, by the status code that the caller got.',
    labels: [
      listener,
      rule,
      target,
      open('method', `${METHODS.map((name) => `\`${name}\``).join(', ')}, else \`other\``),
      open('code', '`100` to `599`, else `other` (the caller left before an answer)'),
    ],
  },
  {
    name: 'outrider_request_duration_seconds',
    type: 'histogram',
    writer: 'path',
    help: "From the request's first byte to the answer's last: what the caller waited.",
    labels: [rule, target],
  },
  {
    name: 'outrider_target_duration_seconds',
    type: 'histogram',
    writer: 'path',
    help: "The part of it spent waiting for the target, from the attempt's start to the answer's end.",
    labels: [target],
  },
  {
    name: 'outrider_request_bytes_total',
    type: 'counter',
    writer: 'path',
    help: 'Bytes of request bodies received.',
    labels: [],
  },
  {
    name: 'outrider_response_bytes_total',
    type: 'counter',
    writer: 'path',
    help: 'Bytes of response bodies sent.',
    labels: [],
  },
  {
    name: 'outrider_requests_in_flight',
    type: 'gauge',
    writer: 'path',
    help: 'Exchanges that have begun and not ended.',
    labels: [],
  },
  {
    name: 'outrider_failures_total',
    type: 'counter',
    writer: 'path',
    help: 'Exchanges whose verdict is failed.',
    labels: [rule, target, reason],
  },
  {
    name: 'outrider_rejected_total',
    type: 'counter',
    writer: 'path',
    help: 'Requests answered by Outrider itself without a target.',
    labels: [open('reason', 'what was wrong with the request, or what was full')],
  },
  {
    name: 'outrider_tolerated_total',
    type: 'counter',
    writer: 'reserved',
    help: 'Requests repaired as a listener tolerates it.',
    labels: [closed('kind', 'what was repaired', ['missing-host', 'raw-target', 'bare-lf', 'obs-fold'])],
  },
  {
    name: 'outrider_retries_total',
    type: 'counter',
    writer: 'path',
    help: 'Attempts after the first of a live exchange.',
    labels: [target, closed('result', 'what became of the attempt', ['delivered', 'failed'])],
  },
  {
    name: 'outrider_rate_limited_total',
    type: 'counter',
    writer: 'reserved',
    help: 'Requests over a rate limit.',
    labels: [
      open('limit', 'name of the limit'),
      closed('action', 'what was done with the request', ['reject', 'wait', 'queue']),
    ],
  },
  {
    name: 'outrider_target_healthy',
    type: 'gauge',
    writer: 'path',
    help: '1 while the URL gets traffic, 0 while it is left out after failures.',
    labels: [target, open('url', "one of the target's URLs, without credentials")],
  },
  {
    name: 'outrider_circuit_breaker_state',
    type: 'gauge',
    writer: 'path',
    help: '0 closed, 1 half open, 2 open (no request is sent).',
    labels: [target],
  },
  {
    name: 'outrider_target_connections',
    type: 'gauge',
    writer: 'path',
    help: 'Connections to the target, and requests that wait for one.',
    labels: [target, closed('state', 'what they do', ['active', 'idle', 'waiting'])],
  },
  {
    name: 'outrider_tls_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    writer: 'path',
    help: "When the target's certificate, as last seen, expires.",
    labels: [target],
  },
  {
    name: 'outrider_captures_total',
    type: 'counter',
    writer: 'path',
    help: 'Failed exchanges that were to be kept. Only `committed` and `partial` are on disk before the answer.',
    labels: [rule, reason, closed('result', 'what became of the capture', CAPTURE_OUTCOMES)],
  },
  {
    name: 'outrider_spool_records',
    type: 'gauge',
    writer: 'keeper',
    help: 'Captured records by state, as the ledger counts them.',
    labels: [closed('state', 'where the record stands', STATES)],
  },
  {
    name: 'outrider_spool_bytes',
    type: 'gauge',
    writer: 'keeper',
    help: "Bytes of everything in the spool's folder.",
    labels: [],
  },
  {
    name: 'outrider_spool_limit_bytes',
    type: 'gauge',
    writer: 'keeper',
    help: 'The quota, spool.size.',
    labels: [],
  },
  {
    name: 'outrider_spool_oldest_record_age_seconds',
    type: 'gauge',
    writer: 'keeper',
    help: 'Age of the oldest record that is not released; 0 without one.',
    labels: [],
  },
  {
    name: 'outrider_spool_commit_duration_seconds',
    type: 'histogram',
    writer: 'keeper',
    help: 'One group commit, fsync included.',
    labels: [],
  },
  {
    name: 'outrider_spool_errors_total',
    type: 'counter',
    writer: 'keeper',
    help: 'Failed operations on the spool.',
    labels: [closed('operation', 'what failed', ['open', 'commit', 'read', 'delete', 'copy'])],
  },
  {
    name: 'outrider_spool_quarantined_records_total',
    type: 'counter',
    writer: 'keeper',
    help: 'Records that could not be read any more.',
    labels: [],
  },
  {
    name: 'outrider_spool_volume_info',
    type: 'gauge',
    writer: 'keeper',
    help: '1; the file system under the spool.',
    labels: [open('kind', 'file system as statfs names it, `unknown` where it has no name for it')],
  },
  {
    name: 'outrider_ledger_difference',
    type: 'gauge',
    writer: 'keeper',
    help: 'Captured minus the sum of all states. Anything but 0 is a bug or a lost disk.',
    labels: [],
  },
  {
    name: 'outrider_mirror_records_total',
    type: 'counter',
    writer: 'keeper',
    help: 'Records sent to Kafka. parked: refused for good; failed and retried: the record is sent again.',
    labels: [closed('result', 'what became of the send', ['mirrored', 'parked', 'failed', 'retried'])],
  },
  {
    name: 'outrider_mirror_pending_records',
    type: 'gauge',
    writer: 'keeper',
    help: 'Records that wait for Kafka.',
    labels: [],
  },
  {
    name: 'outrider_mirror_oldest_pending_age_seconds',
    type: 'gauge',
    writer: 'keeper',
    help: 'Age of the oldest record that waits for Kafka; 0 without one.',
    labels: [],
  },
  {
    name: 'outrider_mirror_up',
    type: 'gauge',
    writer: 'keeper',
    help: '1 while the last exchange with Kafka succeeded; 0 also without a mirror.',
    labels: [],
  },
  {
    name: 'outrider_deliveries_total',
    type: 'counter',
    writer: 'reserved',
    help: 'Attempts to deliver a kept record.',
    labels: [closed('result', 'what became of it', ['delivered', 'retry', 'dead'])],
  },
  {
    name: 'outrider_callbacks_total',
    type: 'counter',
    writer: 'reserved',
    help: 'Callbacks sent.',
    labels: [closed('result', 'what became of it', ['delivered', 'retry', 'dead', 'denied'])],
  },
  {
    name: 'outrider_config_last_reload_successful',
    type: 'gauge',
    writer: 'keeper',
    help: '1 when the last change of the configuration was accepted.',
    labels: [],
  },
  {
    name: 'outrider_config_last_reload_success_timestamp_seconds',
    type: 'gauge',
    writer: 'keeper',
    help: 'When a configuration was last accepted.',
    labels: [],
  },
  {
    name: 'outrider_config_stale',
    type: 'gauge',
    writer: 'keeper',
    help: '1 while the last good configuration runs because the present one is broken.',
    labels: [],
  },
  {
    name: 'outrider_config_info',
    type: 'gauge',
    writer: 'keeper',
    help: '1; the configuration that runs.',
    labels: [open('hash', 'first 16 hex digits of its SHA-256'), open('source', 'what it was read from')],
  },
  {
    name: 'outrider_build_info',
    type: 'gauge',
    writer: 'keeper',
    help: '1; what runs.',
    labels: [open('version', "Outrider's version"), open('node', "Node's version")],
  },
  {
    name: 'outrider_metrics_dropped_series_total',
    type: 'counter',
    writer: 'path',
    help: 'Series that found no room in the memory shared by the threads and are not exported.',
    labels: [],
  },
] as const satisfies readonly MetricDefinition[];

export type MetricName = (typeof CATALOG)[number]['name'];

const BY_NAME: ReadonlyMap<string, MetricDefinition> = new Map(CATALOG.map((metric) => [metric.name, metric]));

/** The definition of a metric. Throws RangeError for a name that is not in the catalog. */
export function metricDefinition(name: string): MetricDefinition {
  const found = BY_NAME.get(name);
  if (found === undefined) throw new RangeError(`no metric ${name} in src/watch/catalog.ts`);
  return found;
}

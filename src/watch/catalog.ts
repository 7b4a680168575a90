/**
 * Every metric that Outrider exports, once: registration, zero values at the first scrape and `docs/metrics.md` are
 * all made from this list. Names and units follow https://prometheus.io/docs/practices/naming/.
 */
import { LOSSES } from '../record/ledger.ts';
import {
  CAPTURE_OUTCOMES,
  closed,
  code,
  type LabelDefinition,
  listener,
  method,
  open,
  REJECTIONS,
  reason,
  rule,
  STATES,
  target,
} from './labels.ts';

type Type = 'counter' | 'gauge' | 'histogram';
/** Who writes it: the path thread's meter, the keeper, or `reserved`: a name without a source in this version. */
type Writer = 'path' | 'keeper' | 'reserved';

export interface MetricDefinition<Name extends string = string> {
  readonly name: Name;
  readonly type: Type;
  readonly writer: Writer;
  readonly help: string;
  readonly labels: readonly LabelDefinition[];
}

/** Upper bounds in seconds, 1 ms to 60 s; `+Inf` is implied. */
export const BUCKETS: readonly number[] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

const define =
  (type: Type) =>
  <const Name extends string>(
    name: Name,
    writer: Writer,
    help: string,
    labels: readonly LabelDefinition[],
  ): MetricDefinition<Name> => ({ name, type, writer, help, labels });
const counter = define('counter');
const gauge = define('gauge');
const histogram = define('histogram');

export const CATALOG = [
  counter('outrider_requests_total', 'path', 'Exchanges that ended, by the status code that the caller got.', [
    listener,
    rule,
    target,
    method,
    code,
  ]),
  histogram(
    'outrider_request_duration_seconds',
    'path',
    "From the request's first byte to the answer's last: what the caller waited.",
    [rule, target],
  ),
  histogram(
    'outrider_target_duration_seconds',
    'path',
    "The part of it spent waiting for the target, from the attempt's start to the answer's end.",
    [target],
  ),
  counter('outrider_request_bytes_total', 'path', 'Bytes of request bodies received.', []),
  counter('outrider_response_bytes_total', 'path', 'Bytes of response bodies sent.', []),
  gauge('outrider_requests_in_flight', 'path', 'Exchanges that have begun and not ended.', []),
  gauge('outrider_buffer_bytes', 'path', 'Memory held for exchanges, at most about limits.bufferBytes.', []),
  counter('outrider_failures_total', 'path', 'Exchanges whose verdict is failed.', [rule, target, reason]),
  counter('outrider_rejected_total', 'path', 'Requests answered by Outrider itself without a target.', [
    closed('reason', 'what was wrong with the request, or what was full', REJECTIONS),
  ]),
  counter('outrider_tolerated_total', 'path', 'Requests repaired as a listener tolerates it.', [
    closed('kind', 'what was repaired', ['missing-host', 'raw-target', 'bare-lf', 'obs-fold']),
  ]),
  counter('outrider_retries_total', 'path', 'Attempts after the first of a live exchange.', [
    target,
    closed('result', 'what became of the attempt', ['delivered', 'failed']),
  ]),
  counter('outrider_rate_limited_total', 'reserved', 'Requests over a rate limit.', [
    open('limit', 'name of the limit'),
    closed('action', 'what was done with the request', ['reject', 'wait', 'queue']),
  ]),
  gauge(
    'outrider_target_healthy',
    'path',
    '1 while the URL gets traffic, 0 while it is left out after failures, if another is well.',
    [target, open('url', "one of the target's URLs, without credentials")],
  ),
  gauge(
    'outrider_circuit_breaker_state',
    'path',
    '0: a URL is well. 2: all are left out after failures; requests are tried all the same.',
    [target],
  ),
  gauge('outrider_target_connections', 'path', 'Connections to the target, and requests that wait for one.', [
    target,
    closed('state', 'what they do', ['active', 'idle', 'waiting']),
  ]),
  gauge(
    'outrider_tls_certificate_expiry_timestamp_seconds',
    'path',
    "When the target's certificate, as last seen, expires.",
    [target],
  ),
  counter(
    'outrider_captures_total',
    'path',
    'Failed exchanges that were to be kept. Only `committed` and `partial` are on disk before the answer.',
    [rule, reason, closed('result', 'what became of the capture', CAPTURE_OUTCOMES)],
  ),
  gauge('outrider_spool_records', 'keeper', 'Captured records by state, as the ledger counts them.', [
    closed('state', 'where the record stands', STATES),
  ]),
  gauge('outrider_spool_bytes', 'keeper', "Bytes of everything in the spool's folder.", []),
  gauge('outrider_spool_limit_bytes', 'keeper', 'The quota, spool.size.', []),
  gauge(
    'outrider_spool_oldest_record_age_seconds',
    'keeper',
    'Age of the oldest record that is not released; 0 without one.',
    [],
  ),
  histogram('outrider_spool_commit_duration_seconds', 'keeper', 'One group commit, fsync included.', []),
  counter('outrider_spool_errors_total', 'keeper', 'Failed operations on the spool.', [
    closed('operation', 'what failed', ['open', 'commit', 'read', 'delete', 'copy']),
  ]),
  counter('outrider_spool_quarantined_records_total', 'keeper', 'Records that could not be read any more.', []),
  counter('outrider_lost_records_total', 'keeper', 'Captures that were given up on purpose, as it is configured.', [
    closed('reason', '`rate`: beyond capture.rate; `maxAge`: older than spool.maxAge; `dropOldest`: no room', LOSSES),
  ]),
  gauge('outrider_spool_volume_info', 'keeper', '1; the file system under the spool.', [
    open('kind', 'file system as statfs names it, `unknown` where it has no name for it'),
  ]),
  gauge(
    'outrider_ledger_difference',
    'keeper',
    'Captured minus the sum of all states. Anything but 0 is a bug or a lost disk.',
    [],
  ),
  counter(
    'outrider_mirror_records_total',
    'keeper',
    'Records sent to Kafka. parked: refused for good; failed: sent again, counted each time.',
    [closed('result', 'what became of the send', ['mirrored', 'parked', 'failed'])],
  ),
  gauge('outrider_mirror_pending_records', 'keeper', 'Records that wait for Kafka.', []),
  gauge(
    'outrider_mirror_oldest_pending_age_seconds',
    'keeper',
    'Age of the oldest record that waits for Kafka; 0 without one.',
    [],
  ),
  gauge(
    'outrider_mirror_up',
    'keeper',
    '0 from the first failed send until the next acknowledged one; not there without a mirror.',
    [],
  ),
  counter('outrider_deliveries_total', 'reserved', 'Attempts to deliver a kept record.', [
    closed('result', 'what became of it', ['delivered', 'retry', 'dead']),
  ]),
  counter('outrider_callbacks_total', 'reserved', 'Callbacks sent.', [
    closed('result', 'what became of it', ['delivered', 'retry', 'dead', 'denied']),
  ]),
  gauge(
    'outrider_config_last_reload_successful',
    'keeper',
    '1 when the last change of the configuration was accepted.',
    [],
  ),
  gauge(
    'outrider_config_last_reload_success_timestamp_seconds',
    'keeper',
    'When a configuration was last accepted.',
    [],
  ),
  gauge(
    'outrider_config_stale',
    'keeper',
    '1 while the last good configuration runs because the process started onto a broken one.',
    [],
  ),
  gauge('outrider_config_info', 'keeper', '1; the configuration that runs.', [
    open('hash', 'first 16 hex digits of its SHA-256'),
    open('source', 'what it was read from'),
  ]),
  gauge('outrider_build_info', 'keeper', '1; what runs.', [
    open('version', "Outrider's version"),
    open('node', "Node's version"),
  ]),
  counter(
    'outrider_metrics_dropped_series_total',
    'path',
    'Series that found no room in the memory shared by the threads and are not exported.',
    [],
  ),
] as const;

export type MetricName = (typeof CATALOG)[number]['name'];

const BY_NAME: ReadonlyMap<string, MetricDefinition> = new Map(CATALOG.map((metric) => [metric.name, metric]));

/** The definition of a metric. Throws RangeError for a name that is not in the catalog. */
export function metricDefinition(name: string): MetricDefinition {
  const found = BY_NAME.get(name);
  if (found === undefined) throw new RangeError(`no metric ${name} in src/watch/catalog.ts`);
  return found;
}

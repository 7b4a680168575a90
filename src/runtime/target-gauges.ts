/** Gauges of the targets, brought up to date once a second: nothing of them is on the path of a request. */
import type { Lane, Lanes } from '../forward/lanes.ts';
import type { MetricName } from '../watch/catalog.ts';
import type { Gauge, Meter } from '../watch/meter.ts';

type Show = (name: MetricName, labels: Readonly<Record<string, string>>, value: number) => void;

export class TargetGauges {
  private readonly meter: Meter;
  private readonly lanes: Lanes;
  /** Those that have a value. */
  private shown: ReadonlySet<Gauge> = new Set();

  constructor(meter: Meter, lanes: Lanes) {
    this.meter = meter;
    this.lanes = lanes;
  }

  /** Targets and URLs that a new configuration no longer has are gone: a breaker that stays open would be an alert. */
  update(): void {
    const shown = new Set<Gauge>();
    const show: Show = (name, labels, value) => {
      const gauge = this.meter.gauge(name, labels);
      gauge.set(value);
      shown.add(gauge);
    };
    for (const lane of this.lanes.all()) showLane(lane, show);
    for (const gauge of this.shown) if (!shown.has(gauge)) gauge.set(Number.NaN);
    this.shown = shown;
  }
}

function showLane({ name: target, upstreams }: Lane, show: Show): void {
  let active = 0;
  let idle = 0;
  let waiting = 0;
  let healthy = 0;
  let expires = Number.POSITIVE_INFINITY;
  for (const upstream of upstreams) {
    active += upstream.inFlight;
    idle += Math.max(0, upstream.open - upstream.inFlight);
    waiting += upstream.waiting;
    if (upstream.healthy) healthy += 1;
    expires = Math.min(expires, upstream.reach.certificateExpires ?? expires);
    show('outrider_target_healthy', { target, url: upstream.url }, upstream.healthy ? 1 : 0);
  }
  show('outrider_circuit_breaker_state', { target }, healthy > 0 ? 0 : 2);
  show('outrider_target_connections', { target, state: 'active' }, active);
  show('outrider_target_connections', { target, state: 'idle' }, idle);
  show('outrider_target_connections', { target, state: 'waiting' }, waiting);
  // Of several URLs the one that ends first.
  if (expires !== Number.POSITIVE_INFINITY) {
    show('outrider_tls_certificate_expiry_timestamp_seconds', { target }, expires);
  }
}

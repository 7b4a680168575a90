/** Gauges of the targets, brought up to date once a second: nothing of them is on the path of a request. */
import type { Lane, Lanes } from '../forward/lanes.ts';
import type { Meter } from '../watch/meter.ts';

export class TargetGauges {
  private readonly meter: Meter;
  private readonly lanes: Lanes;

  constructor(meter: Meter, lanes: Lanes) {
    this.meter = meter;
    this.lanes = lanes;
  }

  update(): void {
    for (const lane of this.lanes.all()) this.updateLane(lane);
  }

  private updateLane({ name: target, upstreams }: Lane): void {
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
      this.meter.gauge('outrider_target_healthy', { target, url: upstream.url }).set(upstream.healthy ? 1 : 0);
    }
    this.meter.gauge('outrider_circuit_breaker_state', { target }).set(healthy > 0 ? 0 : 2);
    this.meter.gauge('outrider_target_connections', { target, state: 'active' }).set(active);
    this.meter.gauge('outrider_target_connections', { target, state: 'idle' }).set(idle);
    this.meter.gauge('outrider_target_connections', { target, state: 'waiting' }).set(waiting);
    // Of several URLs the one that ends first.
    if (expires !== Number.POSITIVE_INFINITY) {
      this.meter.gauge('outrider_tls_certificate_expiry_timestamp_seconds', { target }).set(expires);
    }
  }
}

/**
 * The live side of the targets: connections, health and turn of each. A reload keeps those whose definition has not
 * changed; the others are retired once nothing runs there.
 */
import type { TargetSettings } from '../exchange.ts';
import { Balancer } from './balance.ts';
import { Upstream, type UpstreamParts } from './node-upstream.ts';

export interface Lane {
  readonly name: string;
  readonly upstreams: readonly Upstream[];
  readonly balancer: Balancer<Upstream>;
}

export class Lanes {
  private readonly parts: UpstreamParts;
  private lanes = new Map<string, { readonly key: string; readonly lane: Lane }>();

  constructor(parts: UpstreamParts) {
    this.parts = parts;
  }

  /** The lane of a target that the running configuration has. */
  get(name: string): Lane | null {
    return this.lanes.get(name)?.lane ?? null;
  }

  all(): Lane[] {
    return [...this.lanes.values()].map(({ lane }) => lane);
  }

  /** Takes over a configuration. Throws, with nothing changed, when a certificate or key can't be read. */
  update(targets: readonly TargetSettings[]): void {
    const next = new Map<string, { key: string; lane: Lane }>();
    for (const target of targets) {
      const key = JSON.stringify(target);
      const kept = this.lanes.get(target.name);
      next.set(target.name, kept?.key === key ? kept : { key, lane: createLane(target, this.parts) });
    }
    const before = this.lanes;
    this.lanes = next;
    for (const [name, { lane }] of before) {
      if (next.get(name)?.lane !== lane) for (const upstream of lane.upstreams) void upstream.retire();
    }
  }

  /** Takes over certificates and keys whose files have changed. */
  refreshTls(): void {
    for (const { upstreams } of this.all()) for (const upstream of upstreams) upstream.refreshTls();
  }

  /** Closes every connection; what runs is cut. */
  async destroy(): Promise<void> {
    const upstreams = this.all().flatMap((lane) => lane.upstreams);
    this.lanes = new Map();
    await Promise.all(upstreams.map((upstream) => upstream.destroy()));
  }
}

function createLane(target: TargetSettings, parts: UpstreamParts): Lane {
  const upstreams = target.urls.map((url) => new Upstream(target, url, parts));
  return { name: target.name, upstreams, balancer: new Balancer(upstreams, target.balance) };
}

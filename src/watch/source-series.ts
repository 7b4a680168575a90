/** The keeper's own numbers as series, one function for each metric that is asked for rather than counted. */
import type { MetricName } from './catalog.ts';
import { STATES } from './labels.ts';
import type { Series } from './series.ts';
import type { Sources, SpoolStats } from './sources.ts';

type Ask = (sources: Sources) => readonly Series[];

const number = (value: number): readonly Series[] => [{ labels: {}, numbers: [value] }];
const info = (labels: Readonly<Record<string, string>>): readonly Series[] => [{ labels, numbers: [1] }];
const ofSpool =
  (read: (stats: SpoolStats) => number): Ask =>
  (sources) => {
    const stats = sources.spool();
    return number(stats === null ? 0 : read(stats));
  };

/** Captured minus the sum of all states (DESIGN: the ledger). */
export function ledgerDifference(stats: SpoolStats): number {
  return STATES.reduce((rest, state) => rest - stats.records[state], stats.captured);
}

const ASKED: Readonly<Partial<Record<MetricName, Ask>>> = {
  outrider_spool_records: (sources) => {
    const stats = sources.spool();
    return stats === null ? [] : STATES.map((state) => ({ labels: { state }, numbers: [stats.records[state]] }));
  },
  outrider_spool_bytes: ofSpool((stats) => stats.bytes),
  outrider_spool_limit_bytes: ofSpool((stats) => stats.limitBytes),
  outrider_spool_oldest_record_age_seconds: ofSpool((stats) => stats.oldestUnreleasedAgeSeconds),
  outrider_spool_quarantined_records_total: ofSpool((stats) => stats.records.quarantined),
  outrider_lost_records_total: (sources) =>
    Object.entries(sources.spool()?.lost ?? {}).map(([reason, count]) => ({ labels: { reason }, numbers: [count] })),
  outrider_spool_volume_info: (sources) => {
    const volume = sources.volume();
    return volume === null ? [] : info({ kind: volume.kind });
  },
  outrider_ledger_difference: ofSpool(ledgerDifference),
  outrider_mirror_records_total: (sources) => {
    const { mirrored, parked, failed } = sources.mirror() ?? { mirrored: 0, parked: 0, failed: 0 };
    return Object.entries({ mirrored, parked, failed }).map(([result, count]) => ({
      labels: { result },
      numbers: [count],
    }));
  },
  outrider_mirror_pending_records: ofSpool((stats) => stats.mirrorWaiting),
  outrider_mirror_oldest_pending_age_seconds: ofSpool((stats) => stats.oldestWaitingAgeSeconds),
  outrider_mirror_up: (sources) => {
    const mirror = sources.mirror();
    if (mirror === null) return number(Number.NaN);
    return number(mirror.up ? 1 : 0);
  },
  outrider_config_last_reload_successful: (sources) => number(sources.config().lastReloadSuccessful ? 1 : 0),
  outrider_config_last_reload_success_timestamp_seconds: (sources) => number(sources.config().lastSuccessAt),
  outrider_config_stale: (sources) => number(sources.config().stale ? 1 : 0),
  outrider_config_info: (sources) => {
    const { hash, source } = sources.config();
    return info({ hash, source });
  },
  outrider_build_info: (sources) => {
    const { version, node } = sources.build();
    return info({ version, node });
  },
};

/** What the sources say now about this metric; nothing for one that is counted in memory. */
export function askSources(name: MetricName, sources: Sources): readonly Series[] {
  return ASKED[name]?.(sources) ?? [];
}

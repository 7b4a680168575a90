/** What a spool tells about itself at each scrape: cheap, also with a million records. */
import type { Ledger, LossCounts, StateCounts } from './ledger.ts';
import type { SpoolParts } from './spool-open.ts';

export interface SpoolStats {
  readonly records: StateCounts;
  readonly captured: number;
  /** Given up on purpose, by reason: the state `lost` of the ledger. */
  readonly lost: LossCounts;
  readonly mirrorWaiting: number;
  /** Seconds of running time; 0 when none waits. */
  readonly oldestWaitingAgeSeconds: number;
  readonly oldestUnreleasedAgeSeconds: number;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** Throws what SQLite throws. */
export function statsOf(parts: SpoolParts, { captured, states }: Ledger, limitBytes: number): SpoolStats {
  const { ledger, rows, quota, time } = parts;
  const now = time.now();
  const ageOf = (keptAt: number | null): number => (keptAt === null ? 0 : Math.max(0, now - keptAt) / 1000);
  return {
    records: states,
    captured,
    lost: ledger.lost,
    mirrorWaiting: ledger.mirrorWaiting,
    oldestWaitingAgeSeconds: ageOf(rows.oldest('waiting')),
    oldestUnreleasedAgeSeconds: ageOf(rows.oldest('unreleased')),
    bytes: quota.bytes,
    limitBytes,
  };
}

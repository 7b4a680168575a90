/** What the keeper's other parts tell about themselves: small functions, asked at each scrape and health check. */
import type { State } from '../record/states.ts';

export interface SpoolStats {
  /** How many captured records stand in each state, as the ledger counts them. */
  readonly records: Readonly<Record<State, number>>;
  readonly captured: number;
  readonly mirrorWaiting: number;
  /** Seconds; 0 when none waits for the mirror. */
  readonly oldestWaitingAgeSeconds: number;
  /** Seconds; 0 when all are released. */
  readonly oldestUnreleasedAgeSeconds: number;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** Counts since the keeper started, but `up`. */
export interface MirrorStats {
  readonly up: boolean;
  readonly mirrored: number;
  readonly parked: number;
  readonly failed: number;
  readonly retried: number;
}

export interface ConfigState {
  /** Of the one that runs. */
  readonly hash: string;
  readonly source: string;
  /** Whether the last change was accepted. */
  readonly lastReloadSuccessful: boolean;
  /** Epoch seconds. */
  readonly lastSuccessAt: number;
  /** The last good one runs because the present one is broken. */
  readonly stale: boolean;
}

export interface VolumeInfo {
  /** `ext4`, `overlay`, `tmpfs`, `nfs` …, `unknown`. */
  readonly kind: string;
  /** Why what lies there does not keep the promise, for a person; '' when it does. */
  readonly warning: string;
}

export interface BuildInfo {
  readonly version: string;
  readonly node: string;
}

/** null: that part isn't there (switched off, not open yet, lost). */
export interface Sources {
  spool(): SpoolStats | null;
  mirror(): MirrorStats | null;
  config(): ConfigState;
  volume(): VolumeInfo | null;
  build(): BuildInfo;
  /** What else is degraded, a line each for `?verbose` ("spool: switched off by spool.enabled: false"). */
  problems(): readonly string[];
}

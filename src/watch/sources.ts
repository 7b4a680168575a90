/** What the keeper's other parts tell about themselves: small functions, asked at each scrape and health check. */
import type { LossCounts } from '../record/ledger.ts';
import type { State } from '../record/states.ts';
import { errorText } from './error-text.ts';

export interface SpoolStats {
  /** How many captured records stand in each state, as the ledger counts them. */
  readonly records: Readonly<Record<State, number>>;
  readonly captured: number;
  /** Given up on purpose, by reason: the state `lost`. */
  readonly lost: LossCounts;
  readonly mirrorWaiting: number;
  /** Seconds; 0 when none waits for the mirror. */
  readonly oldestWaitingAgeSeconds: number;
  /** Seconds; 0 when all are released. */
  readonly oldestUnreleasedAgeSeconds: number;
  readonly bytes: number;
  readonly limitBytes: number;
}

/** The ledger counted anew, and the second count beside it; that of src/record/spool-verify.ts. */
export interface Verification {
  readonly captured: number;
  readonly states: Readonly<Record<State, number>>;
  readonly difference: number;
  readonly claimed: Readonly<Record<State, number>>;
  readonly secondCount: number | null;
  readonly agrees: boolean;
}

/** Of records, since the keeper started; those of src/record/mirror.ts. */
export interface MirrorStats {
  /** False from the first failed send until the next acknowledged one. */
  readonly up: boolean;
  readonly mirrored: number;
  readonly parked: number;
  readonly failed: number;
  /** '' when there was none. */
  readonly lastError: string;
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
  readonly spool: () => SpoolStats | null;
  readonly mirror: () => MirrorStats | null;
  readonly config: () => ConfigState;
  readonly volume: () => VolumeInfo | null;
  readonly build: () => BuildInfo;
  /** What else is degraded, a line each for `?verbose` ("spool: switched off by spool.enabled: false"). */
  readonly problems: () => readonly string[];
}

/**
 * The same sources for one scrape or one health check: each asked once at most, so that all numbers are of one moment,
 * and one that throws (a spool that is just being replaced) counts as not there, with its message among `problems()`.
 */
export function snapshotSources(sources: Sources): Sources {
  const failures: string[] = [];
  const attempt = <T>(name: string, ask: () => T): T | null => {
    try {
      return ask();
    } catch (error) {
      failures.push(`${name}: ${errorText(error)}`);
      return null;
    }
  };
  const spool = once(() => attempt('spool', sources.spool));
  const mirror = once(() => attempt('mirror', sources.mirror));
  const volume = once(() => attempt('volume', sources.volume));
  return {
    spool,
    mirror,
    volume,
    config: sources.config,
    build: sources.build,
    problems: () => [...sources.problems(), ...failures],
  };
}

function once<T>(ask: () => T): () => T {
  let asked: { readonly answer: T } | null = null;
  return () => {
    asked ??= { answer: ask() };
    return asked.answer;
  };
}

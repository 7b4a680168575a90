/** What the path thread and the keeper say to each other. Plain data: everything here is cloned on its way. */
import type { CaptureResult, Settings } from '../exchange.ts';
import type { LogLine } from '../watch/log-line.ts';
import type { SeriesDefinition } from '../watch/meter.ts';
import type { PackedCaptures } from './capture-pack.ts';
import type { ConfigMistake } from './errors.ts';

/** Given to the keeper when it is started. */
export interface KeeperStart {
  /** Folder or file; null: the environment alone. */
  readonly configPath: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly memory: SharedArrayBuffer;
  readonly definitions: readonly SeriesDefinition[];
  /** The running configuration, for a keeper that takes over from one that crashed; null at the start. */
  readonly settings: Settings | null;
}

/** `metrics`: the exposition. `degraded`: a line for each thing that is. */
export type Question = 'metrics' | 'degraded';

export type ToKeeper =
  | { readonly type: 'series'; readonly definitions: readonly SeriesDefinition[] }
  | { readonly type: 'captures'; readonly captures: PackedCaptures }
  | { readonly type: 'body'; readonly file: number; readonly chunk: Uint8Array }
  | { readonly type: 'dropBody'; readonly file: number }
  /** Captures that were given up for `capture.rate`. */
  | { readonly type: 'rateLoss'; readonly count: number }
  | { readonly type: 'log'; readonly lines: readonly LogLine[] }
  /** The path runs with this configuration now, or could not take it. */
  | { readonly type: 'applied'; readonly hash: string; readonly problem: string | null }
  /** Answered with the same number. */
  | { readonly type: 'ask'; readonly number: number; readonly what: Question }
  | { readonly type: 'close'; readonly deadlineMs: number };

export type FromKeeper =
  | { readonly type: 'settings'; readonly settings: Settings }
  /** At the start only: nothing can run with this. */
  | { readonly type: 'mistakes'; readonly mistakes: readonly ConfigMistake[] }
  /** Nothing may run without a spool (`spool.required`). */
  | { readonly type: 'unusable'; readonly message: string }
  /** Whether failures can be kept, on a volume that keeps them. */
  | { readonly type: 'spool'; readonly usable: boolean }
  | { readonly type: 'results'; readonly results: readonly (readonly [id: string, result: CaptureResult])[] }
  | { readonly type: 'written'; readonly bytes: number }
  | { readonly type: 'bodyFailed'; readonly file: number; readonly why: string }
  /** `problem`: why there is none, else ''. */
  | { readonly type: 'answer'; readonly number: number; readonly text: string; readonly problem: string }
  /** Where the admin API listens; '' when it doesn't. */
  | { readonly type: 'listening'; readonly admin: string };

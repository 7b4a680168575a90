import type { Bench, Contender } from '../contender.ts';
import type { OutriderContender } from '../contenders/outrider.ts';
import type { Target } from '../nginx.ts';
import type { BenchOptions } from '../options.ts';
import type { Section } from '../report.ts';

/** What a row has to measure with. */
export interface RowContext {
  readonly bench: Bench;
  readonly options: BenchOptions;
  readonly target: Target;
  readonly contenders: readonly Contender[];
  /** null: not among the contenders that were asked for. */
  readonly outrider: OutriderContender | null;
  /** A line for the person who waits. */
  say(line: string): void;
}

/** Measures and describes; null when it needs Outrider, which was left out. */
export type Row = (context: RowContext) => Promise<Section | null>;

/** Reads a meter's series out of shared memory. */
import { BUCKETS } from './catalog.ts';
import { HISTOGRAM_SLOTS, type MeterView } from './meter.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it isn't the metric's own name: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** One series with its numbers: one, or those of a histogram as they lie in memory. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly numbers: readonly number[];
}

/** All series of all views by metric name; a series that several threads count is added up. */
export function readSeries(views: readonly MeterView[], lengthOf: (name: string) => number): Map<string, Series[]> {
  const merged = new Map<string, Map<string, Series>>();
  for (const { memory, definitions } of views) {
    const slots = new Float64Array(memory);
    for (const { name, labels, slot } of definitions) {
      const ofName = merged.get(name) ?? new Map<string, Series>();
      if (ofName.size === 0) merged.set(name, ofName);
      const key = labelsKey(labels);
      const others = ofName.get(key)?.numbers;
      const numbers = readNumbers(slots, slot, lengthOf(name));
      ofName.set(key, { labels, numbers: numbers.map((number, at) => number + (others?.[at] ?? 0)) });
    }
  }
  return new Map([...merged].map(([name, ofName]) => [name, [...ofName.values()]]));
}

/** Index by index: a view of each series would cost more than the numbers. */
function readNumbers(slots: Float64Array, slot: number, length: number): number[] {
  const numbers: number[] = [];
  for (let at = slot; at < slot + length; at++) numbers.push(slots[at] ?? 0);
  return numbers;
}

/** The same for the same values: labels are in the catalog's order everywhere. */
export function labelsKey(labels: Readonly<Record<string, string>>): string {
  return Object.values(labels).join('\0');
}

/** Cumulative buckets, sum and count, as the text format has them. `numbers` may be empty: all 0. */
export function histogramSamples(name: string, { labels, numbers }: Series): Sample[] {
  const samples: Sample[] = [];
  let cumulative = 0;
  for (const [at, bound] of [...BUCKETS, Number.POSITIVE_INFINITY].entries()) {
    cumulative += numbers[at] ?? 0;
    const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound);
    samples.push({ labels: { ...labels, le }, value: cumulative, metricName: `${name}_bucket` });
  }
  samples.push({ labels, value: numbers[HISTOGRAM_SLOTS - 1] ?? 0, metricName: `${name}_sum` });
  samples.push({ labels, value: cumulative, metricName: `${name}_count` });
  return samples;
}

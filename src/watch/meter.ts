/**
 * Metrics of the path thread: numbers in memory that the keeper reads when it is scraped, so that counting costs the
 * path a typed-array add, and a keeper that crashed finds every count where it was.
 */
import { BUCKETS, type MetricName, metricDefinition } from './catalog.ts';
import { OTHER } from './labels.ts';

/** Where one series is kept. Crosses to the keeper; plain data. */
export interface SeriesDefinition {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  /** Index of its first float64. A histogram has BUCKETS.length + 1 counts (not cumulative), then the sum. */
  readonly slot: number;
}

export interface Counter {
  add(n: number): void;
}
export interface Gauge {
  /** NaN: it has no value and isn't exported. */
  set(n: number): void;
  add(n: number): void;
}
export interface Histogram {
  observe(seconds: number): void;
}

/** What the keeper needs to render a meter's series. A Meter is one; so is memory with definitions from a message. */
export interface MeterView {
  readonly memory: SharedArrayBuffer;
  /** Read anew at each scrape: a list that grows is fine. */
  readonly definitions: readonly SeriesDefinition[];
}

/** Slots of a histogram: a count for each bucket, one for +Inf, the sum. */
export const HISTOGRAM_SLOTS = BUCKETS.length + 2;

/**
 * Room for 262,144 numbers, reserved but not used: pages that nothing was written to take no memory. A growable
 * buffer would say this more plainly, but an add to one costs 32 ns instead of 3 (Node 26).
 */
const DEFAULT_SLOTS = 256 * 1024;
/** Takes the writes of series that found no room; never read. As long as the longest series. */
const SCRAP_SLOT = 0;
const FIRST_FREE_SLOT = HISTOGRAM_SLOTS;

class Cell implements Counter, Gauge {
  readonly #slots: Float64Array;
  readonly #slot: number;
  constructor(slots: Float64Array, slot: number) {
    this.#slots = slots;
    this.#slot = slot;
  }
  add(n: number): void {
    this.#slots[this.#slot] = (this.#slots[this.#slot] ?? 0) + n;
  }
  set(n: number): void {
    this.#slots[this.#slot] = n;
  }
}

class BucketCells implements Histogram {
  readonly #slots: Float64Array;
  readonly #slot: number;
  constructor(slots: Float64Array, slot: number) {
    this.#slots = slots;
    this.#slot = slot;
  }
  observe(seconds: number): void {
    // One bad number must not poison the sum for the life of the process.
    const value = Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
    let bucket = 0;
    while (bucket < BUCKETS.length && value > (BUCKETS[bucket] ?? 0)) bucket++;
    const slots = this.#slots;
    const count = this.#slot + bucket;
    const sum = this.#slot + HISTOGRAM_SLOTS - 1;
    slots[count] = (slots[count] ?? 0) + 1;
    slots[sum] = (slots[sum] ?? 0) + value;
  }
}

export class Meter implements MeterView {
  readonly memory: SharedArrayBuffer;
  readonly #slots: Float64Array;
  readonly #definitions: SeriesDefinition[] = [];
  readonly #cells = new Map<string, Cell>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #publish: (definition: SeriesDefinition) => void;
  readonly #dropped: Counter;
  #next = FIRST_FREE_SLOT;

  /** `publish` is called once for each new series, with what the other thread needs to render it. */
  constructor(publish: (definition: SeriesDefinition) => void, slots = DEFAULT_SLOTS) {
    this.memory = new SharedArrayBuffer(slots * Float64Array.BYTES_PER_ELEMENT);
    this.#slots = new Float64Array(this.memory);
    this.#publish = publish;
    this.#dropped = this.counter('outrider_metrics_dropped_series_total', {});
  }

  /** All series so far, in the order of their birth: what a restarted keeper is sent. */
  get definitions(): readonly SeriesDefinition[] {
    return this.#definitions;
  }

  /** The counter of these labels, the same object each time: keep it, a look-up costs more than the add. */
  counter(name: MetricName, labels: Readonly<Record<string, string>>): Counter {
    return this.#cell(name, labels, 'counter');
  }

  gauge(name: MetricName, labels: Readonly<Record<string, string>>): Gauge {
    return this.#cell(name, labels, 'gauge');
  }

  histogram(name: MetricName, labels: Readonly<Record<string, string>>): Histogram {
    const checked = checkLabels(name, labels, 'histogram');
    const key = seriesKey(name, checked);
    const known = this.#histograms.get(key);
    if (known !== undefined) return known;
    const made = new BucketCells(this.#slots, this.#allocate(name, checked, HISTOGRAM_SLOTS));
    this.#histograms.set(key, made);
    return made;
  }

  #cell(name: MetricName, labels: Readonly<Record<string, string>>, type: 'counter' | 'gauge'): Cell {
    const checked = checkLabels(name, labels, type);
    const key = seriesKey(name, checked);
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const made = new Cell(this.#slots, this.#allocate(name, checked, 1));
    this.#cells.set(key, made);
    return made;
  }

  #allocate(name: MetricName, labels: Readonly<Record<string, string>>, length: number): number {
    if (this.#next + length > this.#slots.length) {
      this.#dropped.add(1);
      return SCRAP_SLOT;
    }
    const definition = { name, labels, slot: this.#next };
    this.#next += length;
    this.#definitions.push(definition);
    this.#publish(definition);
    return definition.slot;
  }
}

/** Labels in the catalog's order, values outside a closed list as `other`. Throws RangeError for wrong names. */
function checkLabels(
  name: MetricName,
  labels: Readonly<Record<string, string>>,
  type: string,
): Readonly<Record<string, string>> {
  const definition = metricDefinition(name);
  if (definition.type !== type) throw new RangeError(`${name} is a ${definition.type}, not a ${type}`);
  const expected = definition.labels.map((label) => label.name);
  const given = Object.keys(labels);
  if (given.length !== expected.length || expected.some((label) => labels[label] === undefined)) {
    throw new RangeError(`${name} takes the labels {${expected.join(',')}}, not {${given.join(',')}}`);
  }
  return Object.fromEntries(
    definition.labels.map(({ name: label, values }) => {
      const value = labels[label] ?? OTHER;
      return [label, values === null || values.includes(value) ? value : OTHER];
    }),
  );
}

function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, ...Object.values(labels)]);
}

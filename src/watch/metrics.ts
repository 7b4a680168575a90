/** The exposition: the path's and the keeper's numbers, rendered by prom-client when somebody scrapes. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { CATALOG, type MetricName, metricDefinition } from './catalog.ts';
import type { LabelDefinition } from './labels.ts';
import { HISTOGRAM_SLOTS, type MeterView } from './meter.ts';
import { histogramSamples, labelsKey, readSeries, type Sample, type Series } from './series.ts';
import { askSources } from './source-series.ts';
import { type Sources, snapshotSources } from './sources.ts';

export interface MetricsRegistry {
  readonly contentType: string;
  /** Text format 0.0.4. A source that throws counts as not there. */
  exposition(): Promise<string>;
}

export interface RegistryOptions extends MeterView {
  readonly sources: Sources;
  /** What the keeper itself counts (commits, spool errors), in a meter of its own. */
  readonly keeper?: MeterView;
}

/**
 * A registry over shared memory: nothing is copied into it, so a second one over the same memory (a keeper that came
 * back) shows the same counts. Metrics whose labels have closed lists of values show all of them from the first
 * scrape, with 0. prom-client's default metrics describe the process and, where they are of an isolate (heap, event
 * loop), the keeper.
 */
export function createRegistry({ memory, definitions, sources, keeper }: RegistryOptions): MetricsRegistry {
  const registry = new Registry();
  const views = keeper === undefined ? [{ memory, definitions }] : [{ memory, definitions }, keeper];
  let asked = snapshotSources(sources);
  let counted: ReadonlyMap<string, readonly Series[]> = new Map();
  const samplesOf = (name: MetricName) => (): Sample[] => {
    const definition = metricDefinition(name);
    const series = [...(counted.get(name) ?? []), ...askSources(name, asked)];
    return toSamples(name, [...series, ...zeros(definition.labels, series)]);
  };
  for (const { name, writer } of CATALOG) if (writer !== 'reserved') register(registry, name, samplesOf(name));
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    exposition() {
      asked = snapshotSources(sources);
      counted = readSeries(views, slotsOf);
      return registry.metrics();
    },
  };
}

const slotsOf = (name: string): number => (metricDefinition(name).type === 'histogram' ? HISTOGRAM_SLOTS : 1);

function toSamples(name: MetricName, series: readonly Series[]): Sample[] {
  if (metricDefinition(name).type === 'histogram') return series.flatMap((one) => histogramSamples(name, one));
  const samples = series.map(({ labels, numbers }) => ({ labels, value: numbers[0] ?? 0 }));
  // NaN is how a gauge says that it has no value now: no target of that name, no mirror.
  return samples.filter(({ value }) => !Number.isNaN(value));
}

/** Series that nothing was counted in yet, where all values that the labels can take are known. */
function zeros(labels: readonly LabelDefinition[], present: readonly Series[]): Series[] {
  if (labels.some(({ values }) => values === null)) return [];
  const known = new Set(present.map((series) => labelsKey(series.labels)));
  let combinations: Record<string, string>[] = [{}];
  for (const { name, values } of labels) {
    combinations = combinations.flatMap((made) => (values ?? []).map((value) => ({ ...made, [name]: value })));
  }
  return combinations
    .filter((combination) => !known.has(labelsKey(combination)))
    .map((combination) => ({ labels: combination, numbers: [] }));
}

function register(registry: Registry, name: MetricName, read: () => Sample[]): void {
  const { type, help, labels } = metricDefinition(name);
  const configuration = { name, help, labelNames: labels.map((label) => label.name), registers: [registry] };
  if (type === 'histogram') new SharedHistogram(configuration, read);
  else if (type === 'counter') new SharedCounter(configuration, read);
  else new SharedGauge(configuration, read);
}

interface Configuration {
  name: string;
  help: string;
  labelNames: string[];
  registers: Registry[];
}

// prom-client's metrics with their values read elsewhere: it asks get() for them when it renders.

class SharedCounter extends Counter {
  readonly #read: () => Sample[];
  constructor(configuration: Configuration, read: () => Sample[]) {
    super(configuration);
    this.#read = read;
  }
  override async get() {
    return { ...(await super.get()), values: this.#read() };
  }
}

class SharedGauge extends Gauge {
  readonly #read: () => Sample[];
  constructor(configuration: Configuration, read: () => Sample[]) {
    super(configuration);
    this.#read = read;
  }
  override async get() {
    return { ...(await super.get()), values: this.#read() };
  }
}

class SharedHistogram extends Histogram {
  readonly #read: () => Sample[];
  /** Registered nowhere: name, help and type in the shape that the registry wants. */
  readonly #shape: Histogram;
  constructor(configuration: Configuration, read: () => Sample[]) {
    super(configuration);
    this.#read = read;
    this.#shape = new Histogram({ ...configuration, registers: [] });
  }
  override async get() {
    return { ...(await this.#shape.get()), values: this.#read() };
  }
  /** The registry prefers this one where it exists. */
  getForPromString() {
    return this.get();
  }
}

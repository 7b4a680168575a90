/** Reads the text exposition format of Prometheus. */

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class MetricSamples {
  readonly all: readonly MetricSample[];

  /** @throws Error naming the first line that is no sample. */
  constructor(text: string) {
    this.all = text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map(parseSample);
  }

  /** Samples with this name (`outrider_` may be left out) and at least these labels. */
  select(name: string, labels: Readonly<Record<string, string>> = {}): MetricSample[] {
    return this.all.filter(
      (sample) =>
        (sample.name === name || sample.name === `outrider_${name}`) &&
        Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
  }

  /** Their sum; 0 when there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.select(name, labels).reduce((sum, { value }) => sum + value, 0);
  }
}

function parseSample(line: string): MetricSample {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`not a sample: ${JSON.stringify(line)}`);
  const [, name = '', labels = '', value = ''] = match;
  return { name, labels: parseLabels(labels), value: Number(value.replace('Inf', 'Infinity')) };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, key = '', value = ''] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[key] = value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return labels;
}

/** A strict reader of Prometheus' text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/;
const TYPES = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);

/** All families by name. Throws with the line at the first thing that the format forbids. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  const families = new Map<string, { name: string; type: string; help: string; samples: ParsedSample[] }>();
  const series = new Set<string>();
  let current = '';
  for (const [at, line] of text.split('\n').entries()) {
    const fail = (why: string): never => {
      throw new Error(`line ${at + 1}: ${why}: ${line}`);
    };
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind = '', name = '', rest = ''] = comment;
      if (!NAME.test(name)) fail('no metric name');
      if (kind === 'HELP') {
        if (families.has(name)) fail('a second HELP, or a group in two places');
        if (rest === '' || /\\(?![\\n])/.test(rest)) fail('HELP is empty or badly escaped');
        families.set(name, { name, type: '', help: rest, samples: [] });
        current = name;
        continue;
      }
      const family = families.get(name) ?? fail('TYPE before HELP');
      if (name !== current || family.type !== '' || family.samples.length > 0) fail('TYPE must follow HELP, once');
      if (!TYPES.has(rest)) fail('no such type');
      family.type = rest;
      continue;
    }
    if (line.startsWith('#')) fail('a comment that is neither HELP nor TYPE');
    const sample = parseSample(line) ?? fail('not a sample');
    const family = families.get(current) ?? fail('a sample before any HELP');
    if (family.type === '') fail('a sample before TYPE');
    if (!namesOf(family).includes(sample.name)) fail(`a sample outside its group ${current}`);
    const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (series.has(key)) fail('the same series twice');
    series.add(key);
    family.samples.push(sample);
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

/** The value of one series; undefined when it isn't there. Labels must match wholly. */
export function sampleValue(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return family?.samples.find(
    (sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
  )?.value;
}

function parseSample(line: string): ParsedSample | null {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?/.exec(line);
  if (head === null) return null;
  const labels: Record<string, string> = {};
  let rest = line.slice(head[0].length);
  if (head[2] !== undefined) {
    const end = closingBrace(rest);
    if (end < 0) return null;
    let inside = rest.slice(0, end);
    while (inside !== '') {
      const found = LABEL.exec(inside);
      if (found === null || Object.hasOwn(labels, found[1] ?? '')) return null;
      labels[found[1] ?? ''] = (found[2] ?? '').replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
      inside = inside.slice(found[0].length);
    }
    rest = rest.slice(end + 1);
  }
  const value = /^ ([+-]?(?:[0-9.]+(?:e[+-]?[0-9]+)?|Inf)|NaN|Nan)$/.exec(rest)?.[1];
  if (value === undefined) return null;
  return { name: head[1] ?? '', labels, value: Number(value.replace('Inf', 'Infinity')) };
}

function closingBrace(text: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (quoted && text[at] === '\\') at++;
    else if (text[at] === '"') quoted = !quoted;
    else if (!quoted && text[at] === '}') return at;
  }
  return -1;
}

function namesOf({ name, type }: Family): string[] {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
  if (type === 'summary') return [name, `${name}_sum`, `${name}_count`];
  return [name];
}

function checkFamily(family: Family): void {
  const { name, type, samples } = family;
  if (type === '') throw new Error(`${name} has no TYPE`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} counts below 0`);
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  const groups = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le, ...own } = sample.labels;
    if ((le === undefined) === sample.name.endsWith('_bucket')) throw new Error(`${name}: le is for buckets only`);
    const key = JSON.stringify(Object.entries(own).sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number((labels.le ?? '').replace('Inf', 'Infinity')));
    const one = (suffix: string): ParsedSample => {
      const [found, second] = group.filter((sample) => sample.name === `${name}_${suffix}`);
      if (found === undefined || second !== undefined) throw new Error(`${name}${key}: not one ${suffix}`);
      return found;
    };
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name}${key}: no +Inf bucket at the end`);
    for (let at = 1; at < buckets.length; at++) {
      if (!((bounds[at] ?? 0) > (bounds[at - 1] ?? 0))) throw new Error(`${name}${key}: bounds do not rise`);
      if ((buckets[at]?.value ?? 0) < (buckets[at - 1]?.value ?? 0)) throw new Error(`${name}${key}: buckets fall`);
    }
    if (one('count').value !== buckets.at(-1)?.value) throw new Error(`${name}${key}: count is not the +Inf bucket`);
    if (!(one('sum').value >= 0)) throw new Error(`${name}${key}: bad sum`);
  }
}

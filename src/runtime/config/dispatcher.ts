/**
 * The older sidecar dispatcher's configuration (`key`, `rewrites`, `destination`), read as it is.
 *
 * A destination's path is put before the path of each request, as a reverse proxy's base URL is (Go's
 * `NewSingleHostReverseProxy`, nginx with `proxy_pass` and a path): `http://x/default` gets `/default/a` for `/a`.
 * Python's YAML made booleans of yes, no, on and off, and sent them as `True` and `False`: so does this.
 */
import * as z from 'zod';
import { fileOfKey } from './definition.ts';
import { patchNameMistake } from './definition-rule.ts';
import { headerName, headerValueMistake, url } from './field.ts';
import { type PathMistake, validate } from './mistakes.ts';
import type { YamlFile } from './parse-yaml.ts';
import { isMapping, type RawMapping } from './raw-value.ts';
import { shown } from './suggest.ts';

const keys = ['key', 'rewrites', 'destination'];
const truths = /^(y|yes|true|on)$/i;
const falsehoods = /^(n|no|false|off)$/i;
const maxNameLength = 63;

const patchEntry = z.strictObject({
  key: headerName.superRefine((text, context) => {
    const mistake = patchNameMistake('request', 'set', text);
    if (mistake !== null) context.addIssue(mistake);
  }),
  val: z.union([z.string(), z.number(), z.boolean()], {
    error: ({ input }) => `found ${shown(input)}; expected a text, a number or a boolean`,
  }),
});

const dispatcherDefinition = z
  .strictObject({
    key: headerName.optional(),
    rewrites: z
      .record(z.string(), z.strictObject({ patch: z.array(patchEntry).prefault([]), destination: url.optional() }))
      .prefault({}),
    destination: url.optional(),
  })
  .superRefine(({ key, rewrites, destination }, context) => {
    const report = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
    const names = Object.entries(rewrites);
    if (key === undefined && names.length > 0) report([], 'missing `key`: the header whose value chooses a rewrite');
    if (destination !== undefined) return;
    if (names.length === 0) report([], 'missing `destination`: where requests go');
    for (const [name, rewrite] of names) {
      if (rewrite.destination === undefined) report(['rewrites', name], 'no `destination` here, and no default one');
    }
  });

type Dispatcher = z.output<typeof dispatcherDefinition>;

/** Whether a document is the dispatcher's: it has one of its keys, and none of ours. */
export function isDispatcherDocument(value: unknown): value is RawMapping {
  if (!isMapping(value)) return false;
  const given = Object.keys(value);
  return given.some((key) => keys.includes(key)) && given.every((key) => fileOfKey(key) === undefined);
}

export interface DispatcherResult {
  /** The same in the form of routes.yaml. */
  readonly document: RawMapping;
  readonly mistakes: readonly PathMistake[];
  readonly warnings: readonly string[];
}

export function convertDispatcher(file: YamlFile): DispatcherResult {
  const { output, mistakes } = validate(dispatcherDefinition, file.value);
  if (output === null) return { document: {}, mistakes, warnings: [] };
  const builder = new RoutesBuilder(file, output);
  return { document: builder.build(), mistakes: builder.mistakes, warnings: builder.warnings };
}

class RoutesBuilder {
  readonly mistakes: PathMistake[] = [];
  readonly warnings: string[] = [];
  readonly #file: YamlFile;
  readonly #old: Dispatcher;
  readonly #names = new Set<string>(['reject']);

  constructor(file: YamlFile, old: Dispatcher) {
    this.#file = file;
    this.#old = old;
  }

  build(): RawMapping {
    const targets: Record<string, unknown> = {};
    const rules: unknown[] = [];
    const { destination } = this.#old;
    if (destination !== undefined) targets[this.#unique('default')] = target(destination);
    else this.warnings.push('no default destination: what matches no rewrite is answered 404');
    for (const [value, rewrite] of Object.entries(this.#old.rewrites)) {
      const name = this.#unique(value);
      if (rewrite.destination !== undefined) targets[name] = target(rewrite.destination);
      const set = this.#patch(value, rewrite.patch);
      const chosen = rewrite.destination === undefined ? 'default' : name;
      rules.push({ name, match: this.#match(value), request: { headers: { set } }, target: chosen });
    }
    return { targets, rules, default: destination === undefined ? 'reject' : 'default' };
  }

  #match(value: string): unknown {
    if (value.includes('*')) this.warnings.push(`rewrites.${value}: a * stands for any text here`);
    return { headers: { [this.#old.key ?? '']: value } };
  }

  /** The last of several entries for one header wins, as it did. */
  #patch(rewrite: string, entries: Dispatcher['rewrites'][string]['patch']): Record<string, string> {
    const byName = new Map<string, [name: string, value: string]>();
    for (const [index, { key, val }] of entries.entries()) {
      const path = ['rewrites', rewrite, 'patch', index, 'val'];
      const value = this.#text(path, val).replaceAll('${', () => '$${');
      const mistake = headerValueMistake(value);
      if (mistake !== null) this.mistakes.push({ path, message: mistake, of: 'value' });
      byName.delete(key.toLowerCase());
      byName.set(key.toLowerCase(), [key, value]);
    }
    return Object.fromEntries(byName.values());
  }

  /** Numbers as they stand in the file: 1.0 stays 1.0. */
  #text(path: readonly PropertyKey[], value: string | number | boolean): string {
    const { text, plain } = this.#file.scalarAt(path) ?? { text: String(value), plain: false };
    if (plain && truths.test(text)) return 'True';
    if (plain && falsehoods.test(text)) return 'False';
    return text;
  }

  /** A name for a target and its rule from a header's value, which may hold anything. */
  #unique(value: string): string {
    const base = value.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'rewrite';
    let name = base.slice(0, maxNameLength);
    for (let number = 2; this.#names.has(name); number += 1) {
      const suffix = `-${number}`;
      name = `${base.slice(0, maxNameLength - suffix.length)}${suffix}`;
    }
    this.#names.add(name);
    return name;
  }
}

/** The dispatcher passed the caller's Host on; a patch of Host still wins. */
function target(destination: string): unknown {
  return { urls: [{ url: destination }], hostHeader: 'preserve' };
}

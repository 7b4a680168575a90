/** The documents of all files as one, with the file and the place of each key. */
import { ConfigError, type ConfigMistake } from '../errors.ts';
import { fileOfKey, processFileName, routesFileName } from './definition.ts';
import { convertDispatcher, isDispatcherDocument } from './dispatcher.ts';
import { formatPath, type PathMistake } from './mistakes.ts';
import { parseYaml, type YamlFile } from './parse-yaml.ts';
import { isMapping, type RawMapping } from './raw-value.ts';
import type { SourceText } from './sources.ts';
import { shown } from './suggest.ts';

/** Add every source, then validate `document`, unless one was `unreadable`. */
export class Merged {
  document: RawMapping = {};
  unreadable = false;
  readonly mistakes: ConfigMistake[] = [];
  readonly warnings: string[] = [];
  readonly files: string[] = [];
  readonly #yamlOf = new Map<string, YamlFile>();

  add({ file, kind, text }: SourceText): void {
    this.files.push(file);
    try {
      const yaml = parseYaml(text, file);
      this.#addDocument(yaml, kind);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.mistakes.push(...error.mistakes);
      this.unreadable = true;
    }
  }

  /** Where a mistake stands: its file and line, or the environment variable that the value came from. */
  place({ path, message, of }: PathMistake, variables: ReadonlyMap<string, string>): ConfigMistake {
    const key = String(path[0] ?? '');
    const variable = variables.get(key) ?? variables.get(path.slice(0, 2).join('.'));
    if (variable !== undefined) return { file: 'environment', line: 0, column: 0, path: variable, message };
    const yaml = this.#yamlOf.get(key);
    if (yaml === undefined) return { file: this.fileFor(key), line: 0, column: 0, path: formatPath(path), message };
    return { file: yaml.file, ...yaml.placeOf(path, of), path: formatPath(path), message };
  }

  /** The file in which a key that is missing would stand. */
  fileFor(key: string): string {
    const wanted = fileOfKey(key) ?? routesFileName;
    return this.files.find((file) => file.endsWith(wanted)) ?? this.files.at(-1) ?? 'environment';
  }

  #addDocument(yaml: YamlFile, kind: SourceText['kind']): void {
    const { value } = yaml;
    if (!isMapping(value)) this.#refuseDocument(yaml.file, value);
    else if (isDispatcherDocument(value)) this.#addDispatcher(yaml);
    else {
      this.#checkFile(yaml, value, kind);
      for (const key of Object.keys(value)) this.#yamlOf.set(key, yaml);
      this.document = Object.assign({}, this.document, value);
    }
  }

  #refuseDocument(file: string, value: unknown): void {
    const empty = value === undefined || value === null;
    const message = empty ? 'the file is empty: that is not "no rules"' : `found ${shown(value)}; expected a mapping`;
    this.unreadable = true;
    this.mistakes.push({ file, line: 1, column: 1, path: '', message });
  }

  #addDispatcher(yaml: YamlFile): void {
    const { document, mistakes, warnings } = convertDispatcher(yaml);
    this.warnings.push(`${yaml.file}: the older dispatcher's format; \`outrider convert\` prints it in ours`);
    this.warnings.push(...warnings.map((warning) => `${yaml.file}: ${warning}`));
    for (const { path, message, of } of mistakes) {
      this.mistakes.push({ file: yaml.file, ...yaml.placeOf(path, of), path: formatPath(path), message });
    }
    if (mistakes.length > 0) this.unreadable = true;
    this.document = { ...this.document, ...document };
  }

  #checkFile(yaml: YamlFile, value: RawMapping, kind: SourceText['kind']): void {
    const here = kind === 'process' ? processFileName : routesFileName;
    for (const key of Object.keys(value)) {
      const file = fileOfKey(key);
      if (kind === 'both' || file === undefined || file === here) continue;
      const message = `this key belongs in ${file}, not in ${here}`;
      this.mistakes.push({ file: yaml.file, ...yaml.placeOf([key], 'key'), path: key, message });
    }
  }
}

/** Reads, merges and validates the configuration, and says everything that is wrong with it at once. */
import type { Settings } from '../../settings.ts';
import { ConfigError, type ConfigMistake } from '../errors.ts';
import { assembleProcess, assembleRoutes } from './assemble.ts';
import { checkAuth } from './check-auth.ts';
import { checkReferences } from './check-references.ts';
import { checkTemplates } from './check-templates.ts';
import { definition, routesFileName } from './definition.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { autoBufferBytes, readMemoryLimit } from './memory-limit.ts';
import { Merged } from './merge.ts';
import { validate } from './mistakes.ts';
import { isOwnTarget } from './own-target-form.ts';
import { withOwnTargets } from './own-targets.ts';
import { asText, itemsOf, type RawMapping, valueAt } from './raw-value.ts';
import { type ConfigFiles, diskFiles, hashTexts, readSources, type SourceText } from './sources.ts';
import { warningsFor } from './warnings.ts';

export interface LoadOptions {
  /** A folder with outrider.yaml, routes.yaml or both; one file; absent: SIDECAR_CONFIG, else the environment alone. */
  readonly path?: string | undefined;
  readonly env: Environment;
  /** null where there is no such file. Default: the disk. */
  readonly readFile?: ConfigFiles['readFile'];
  /** null where the path is no folder. Default: the disk. */
  readonly listDir?: ConfigFiles['listDir'];
}

export interface LoadedConfig {
  readonly settings: Settings;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
}

/** The path that is read: the option, else the older dispatcher's variable, else none. */
export function configPath({ path, env }: Pick<LoadOptions, 'path' | 'env'>): string | undefined {
  const older = env.SIDECAR_CONFIG?.trim() ?? '';
  return path ?? (older === '' ? undefined : older);
}

/** @throws ConfigError with every mistake found, in the order of the files. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const path = configPath(options);
  const files = { readFile: options.readFile ?? diskFiles.readFile, listDir: options.listDir ?? diskFiles.listDir };
  const sources = path === undefined ? [] : readSources(path, files);
  return settingsFrom(sources, { source: path ?? 'environment', env: options.env, files });
}

interface Origin {
  readonly source: string;
  readonly env: Environment;
  readonly files: ConfigFiles;
}

/** As loadConfig, from texts that have been read already. */
export function settingsFrom(sources: readonly SourceText[], { source, env, files }: Origin): LoadedConfig {
  const merged = new Merged();
  for (const text of sources) merged.add(text);
  // Without a readable text nothing more can be said; what is missing there would be reported as missing here.
  if (merged.unreadable) throw new ConfigError(merged.mistakes);
  const environment = applyEnvironment(merged.document, env);
  const { document } = environment;
  const { output, mistakes } = validate(definition, document);
  const all = [...mistakes, ...checkReferences(document), ...checkTemplates(document), ...checkAuth(document)];
  const placed = all.map((mistake) => merged.place(mistake, environment.keys));
  const found = [...merged.mistakes, ...environment.mistakes, ...withoutRoutes(document, merged, source), ...placed];
  if (found.length > 0 || output === null) throw new ConfigError(inOrder(found, merged.files));
  const configuration = withOwnTargets(output);
  const texts = sources.length > 0 ? sources.map(({ text }) => text) : environment.used;
  const settings: Settings = {
    process: assembleProcess(configuration, autoBufferBytes(readMemoryLimit((file) => textOf(files.readFile(file))))),
    routes: assembleRoutes(configuration, 'reject'),
    hash: hashTexts(texts),
    source,
  };
  return { settings, warnings: [...merged.warnings, ...environment.warnings, ...warningsFor(settings)] };
}

/** Nothing to do is a mistake, and so is a request that nobody decided about. */
function withoutRoutes(document: RawMapping, merged: Merged, source: string): ConfigMistake[] {
  const { targets, rules, default: fallback } = document;
  const file = merged.files.length === 0 ? source : merged.fileFor('default');
  const at = { file, line: 0, column: 0 };
  const listeners = itemsOf(document, ['listeners']);
  const ofListeners = listeners.map(({ value }) => asText(valueAt(value, ['target'])) ?? '');
  const served = listeners.length > 0 && !ofListeners.includes('');
  if (fallback !== undefined || (served && (targets !== undefined || ofListeners.every(isOwnTarget)))) return [];
  if (targets === undefined && rules === undefined) {
    const message = `no routes: ${routesFileName} with \`targets\` and \`default\` is needed, or the variable BACKEND_URL`;
    return [{ ...at, path: '', message }];
  }
  return [
    { ...at, path: 'default', message: 'missing: name the target for what no rule matches, or write reject (404)' },
  ];
}

function inOrder(mistakes: readonly ConfigMistake[], files: readonly string[]): ConfigMistake[] {
  const rank = ({ file }: ConfigMistake): number => (files.includes(file) ? files.indexOf(file) : files.length);
  return [...mistakes].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

function textOf(content: string | Uint8Array | null): string | null {
  return content === null || typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
}

/** The texts of a configuration: which files there are, what they hold, and their hash. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { processFileName, routesFileName } from './definition.ts';
import { didYouMean, listOf } from './suggest.ts';
import { errorCodeOf } from './system-error.ts';
import { maxTextBytes } from './text-place.ts';

/** How files are reached; tests and snapshots bring their own. */
export interface ConfigFiles {
  /** null where there is no such file. Other failures are thrown. */
  readFile(path: string): string | Uint8Array | null;
  /** Names in a folder; null where the path is no folder. */
  listDir(path: string): readonly string[] | null;
}

export interface SourceText {
  /** As the user named it. */
  readonly file: string;
  /** Which keys it may hold; `both` outside a folder. */
  readonly kind: 'process' | 'routes' | 'both';
  readonly text: string | Uint8Array;
}

export const diskFiles: ConfigFiles = {
  readFile: (path) => {
    try {
      const { size } = statSync(path);
      // Far too large to be parsed: not read either. The parser says so.
      return size > maxTextBytes ? new Uint8Array(maxTextBytes + 1) : readFileSync(path);
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  },
  listDir: (path) => {
    try {
      return readdirSync(path);
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  },
};

/**
 * @param path a folder with outrider.yaml, routes.yaml or both, or one file
 * @throws ConfigError where there is nothing to read
 */
export function readSources(path: string, files: ConfigFiles): SourceText[] {
  const names = attempt(path, () => files.listDir(path));
  if (names === null) {
    const text = attempt(path, () => files.readFile(path));
    if (text === null) throw missing(path, 'no such file or folder');
    return [{ file: path, kind: 'both', text }];
  }
  const sources: SourceText[] = [];
  for (const name of [processFileName, routesFileName]) {
    const file = join(path, name);
    const text = attempt(file, () => files.readFile(file));
    if (text !== null) sources.push({ file, kind: name === processFileName ? 'process' : 'routes', text });
  }
  if (sources.length > 0) return sources;
  const seen = names.filter((name) => !name.startsWith('.'));
  const meant =
    seen.map((name) => didYouMean(name, [processFileName, routesFileName])).find((text) => text !== '') ?? '';
  throw missing(
    path,
    `neither ${processFileName} nor ${routesFileName} in this folder; found: ${listOf(seen)}${meant}`,
  );
}

/** Hex SHA-256 of the texts, first 16 digits. */
export function hashTexts(texts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:`).update(text);
  return hash.digest('hex').slice(0, 16);
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === null) throw error;
    throw missing(path, `can't be read (${code})`);
  }
}

function missing(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, path: '', message }]);
}

function isAbsent(error: unknown): boolean {
  const code = errorCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

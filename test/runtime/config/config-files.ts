/** Configurations for tests: files in memory, and what is wrong with them in short. */

import { type LoadedConfig, loadConfig } from '../../../src/runtime/config/load.ts';
import { ConfigError, formatMistake } from '../../../src/runtime/errors.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A folder `conf` in memory with these files; no control groups. */
export function load(files: Files, env: Record<string, string> = {}, path: string | undefined = 'conf'): LoadedConfig {
  return loadConfig({
    path,
    env,
    readFile: (file) => files[file.replace(/^conf\//, '')] ?? null,
    listDir: (folder) => (folder === 'conf' ? Object.keys(files) : null),
  });
}

export const plainRoutes = 'targets: {prod: "http://127.0.0.1:1", qa: "http://127.0.0.1:2"}\ndefault: prod\n';

/** outrider.yaml of this text, with plain routes. */
export function loadProcess(text: string, env: Record<string, string> = {}): LoadedConfig {
  return load({ 'outrider.yaml': text, 'routes.yaml': plainRoutes }, env);
}

/** routes.yaml with two targets, a default and this more. */
export function loadRoutes(text: string): LoadedConfig {
  return load({ 'routes.yaml': plainRoutes + text });
}

/** Every mistake as one line, without the folder; fails where there is none. */
export function mistakesOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map((mistake) => formatMistake(mistake).replace(/^conf\//, ''));
  }
  throw new Error('there is no mistake');
}

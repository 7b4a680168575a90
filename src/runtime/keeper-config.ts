/** The keeper's hold on the configuration: reads it, watches it, and knows what runs. */
import type { Settings } from '../exchange.ts';
import { spoolPaths } from '../record/spool-folder.ts';
import type { KeeperLog } from '../watch/log.ts';
import type { ConfigState } from '../watch/sources.ts';
import { loadLastGood, saveLastGood } from './config/last-good.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { parseYaml } from './config/parse-yaml.ts';
import { asText, valueAt } from './config/raw-value.ts';
import { restartNeeded } from './config/restart-needed.ts';
import { diskFiles, readSources } from './config/sources.ts';
import { type ConfigWatch, watchConfig } from './config/watch.ts';
import { ConfigError, formatMistake } from './errors.ts';
import type { KeeperStart } from './keeper-protocol.ts';

export interface KeeperConfigOptions {
  readonly start: KeeperStart;
  readonly log: KeeperLog;
  /** The name that the spool's own folder has. */
  readonly podName: string;
  /** A configuration for the path to take over. */
  readonly offer: (settings: Settings) => void;
}

export class KeeperConfig {
  /** The one that runs. */
  settings: Settings;
  private readonly options: KeeperConfigOptions;
  private lastReloadSuccessful = true;
  private lastSuccessAt = Date.now() / 1000;
  private stale = false;
  private offered: Settings | null = null;
  private watch: ConfigWatch | null = null;

  /** Throws ConfigError when there is nothing to run with, not even a last good one of this very pod. */
  constructor(options: KeeperConfigOptions) {
    this.options = options;
    this.settings = options.start.settings ?? this.first();
  }

  /** Tells of changes from now on. */
  follow(): void {
    const { configPath, env } = this.options.start;
    if (configPath === null && env.SIDECAR_CONFIG === undefined) return;
    const path = configPath === null ? {} : { path: configPath };
    this.watch = watchConfig({ ...path, env, current: this.settings.hash, onChange: (result) => this.changed(result) });
  }

  /** The path runs with it, or could not take it. */
  applied(hash: string, problem: string | null): void {
    if (problem !== null) {
      this.reject([problem]);
      return;
    }
    const { offered } = this;
    if (offered?.hash === hash) {
      this.settings = offered;
      this.offered = null;
      this.accepted();
      this.options.log.log('info', { config: hash }, 'configuration reloaded');
    }
    this.save();
  }

  state(): ConfigState {
    const { settings, lastReloadSuccessful, lastSuccessAt, stale } = this;
    return { hash: settings.hash, source: settings.source, lastReloadSuccessful, lastSuccessAt, stale };
  }

  /** Keeps it for a restart of this pod onto a broken one; the spool's folder must be there. */
  save(): void {
    if (this.stale) return;
    const { folder } = spoolPaths(this.settings.process.spool.path, this.options.podName);
    try {
      saveLastGood(folder, this.settings, this.options.start.env.POD_UID);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.options.log.log('warn', { error: reason }, 'the last good configuration could not be saved');
    }
  }

  close(): void {
    this.watch?.close();
  }

  private first(): Settings {
    const { configPath, env } = this.options.start;
    try {
      const { settings, warnings } = loadConfig({ ...(configPath === null ? {} : { path: configPath }), env });
      for (const warning of warnings) this.options.log.log('warn', {}, warning);
      return settings;
    } catch (error) {
      const kept = this.lastGood(error);
      if (kept === null) throw error;
      return kept;
    }
  }

  private lastGood(error: unknown): Settings | null {
    const { configPath, env } = this.options.start;
    if (!(error instanceof ConfigError) || configPath === null) return null;
    const { folder } = spoolPaths(likelySpoolPath(configPath), this.options.podName);
    const kept = loadLastGood(folder, env.POD_UID);
    if (kept === null) return null;
    this.stale = true;
    this.reject(error.mistakes.map(formatMistake));
    return kept;
  }

  private changed(result: LoadedConfig | ConfigError): void {
    if (result instanceof ConfigError) {
      this.reject(result.message.split('\n'));
      return;
    }
    const keys = restartNeeded(this.settings, result.settings);
    if (keys.length > 0) {
      this.reject([`a change of ${keys.join(', ')} needs a restart; nothing of this edit is used until then`]);
      return;
    }
    for (const warning of result.warnings) this.options.log.log('warn', {}, warning);
    this.offered = result.settings;
    this.options.offer(result.settings);
  }

  private accepted(): void {
    this.lastReloadSuccessful = true;
    this.lastSuccessAt = Date.now() / 1000;
    this.stale = false;
  }

  private reject(mistakes: readonly string[]): void {
    this.lastReloadSuccessful = false;
    this.offered = null;
    this.options.log.log('error', { mistakes }, 'configuration rejected: the running one stays');
  }
}

const DEFAULT_SPOOL_PATH = './var/spool';

/** `spool.path` of a configuration that is broken, most often in its other file. */
function likelySpoolPath(configPath: string): string {
  try {
    for (const { text, file } of readSources(configPath, diskFiles)) {
      const path = asText(valueAt(parseYaml(text, file).value, ['spool', 'path']));
      if (path !== null) return path;
    }
  } catch (error) {
    // Not even YAML: what is wrong with it is being reported already.
    if (!(error instanceof ConfigError)) throw error;
  }
  return DEFAULT_SPOOL_PATH;
}

/**
 * Tells of every change of the configuration's files, once each, when it is whole.
 *
 * The folder is watched, never a file: an editor's rename and the swap of `..data` in a ConfigMap volume leave a
 * watched file behind. What counts is the content, compared by hash; the kernel's events only say when to look, and a
 * poll looks where they don't come.
 */
import { ConfigError, type ConfigMistake } from '../errors.ts';
import type { Environment } from './environment.ts';
import { FolderWatch } from './folder-watch.ts';
import { configPath, type LoadedConfig, settingsFrom } from './load.ts';
import {
  goneFiles,
  isAtomicChange,
  isIncomplete,
  readSnapshot,
  readStamps,
  type Snapshot,
  type Stamps,
} from './snapshot.ts';
import { diskFiles } from './sources.ts';

/** After an atomic swap the content is whole; other files of the same swap may follow at once. */
const swapQuietMs = 50;
/** A file that is written in place is whole when nobody has written for this long: longer than a slow writer's pause. */
const writeQuietMs = 750;
/** Delete and create again is how some tools write. */
const absentQuietMs = 2000;
const defaultPollMs = 1000;

export interface WatchOptions {
  readonly path?: string | undefined;
  readonly env: Environment;
  /** Called with each new configuration, or with what is wrong with it: then the running one stays. */
  readonly onChange: (result: LoadedConfig | ConfigError) => void;
  /** How often the files are looked at without an event. Default 1000. */
  readonly pollMs?: number;
  /** `settings.hash` of what is running: a change since it was read is told at once. Default: what is there now. */
  readonly current?: string;
}

export interface ConfigWatch {
  close(): void;
}

/** Starts watching; with no path there is nothing to watch. Keeps no process alive. */
export function watchConfig(options: WatchOptions): ConfigWatch {
  const path = configPath(options);
  if (path === undefined) return { close: () => undefined };
  const watch = new FileChanges(path, options);
  watch.start();
  return watch;
}

class FileChanges implements ConfigWatch {
  readonly #path: string;
  readonly #options: WatchOptions;
  readonly #folder: FolderWatch;
  /** Of what was told last. */
  #toldHash: string;
  #toldStamps: Stamps;
  /** Of the last look, whatever it found. */
  #seen: Stamps;
  /** What the last look found, where that is not told yet; `since`: of the performance clock. */
  #pending: { readonly snapshot: Snapshot; readonly since: number; readonly quietMs: number } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(path: string, options: WatchOptions) {
    this.#path = path;
    this.#options = options;
    const first = readSnapshot(path);
    this.#toldHash = options.current ?? first.hash;
    // What has changed since `current` was read may still be being written: no file counts as known.
    this.#toldStamps = this.#toldHash === first.hash ? first.stamps : { ...first.stamps, files: [] };
    this.#seen = first.stamps;
    this.#folder = new FolderWatch(path, () => this.#lookIn(0));
  }

  start(): void {
    this.#folder.arm();
    this.#poll = setInterval(() => this.#onPoll(), this.#options.pollMs ?? defaultPollMs).unref();
    this.#lookIn(0);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    this.#folder.close();
  }

  /** Reads nothing while no file has changed its size, times or inode. */
  #onPoll(): void {
    if (this.#pending !== null || !this.#folder.isArmed() || readStamps(this.#path).all !== this.#seen.all)
      this.#lookIn(0);
  }

  #lookIn(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    // First: what happens after the look must be heard.
    this.#folder.arm();
    const snapshot = readSnapshot(this.#path);
    const pending = this.#pending;
    const now = performance.now();
    this.#seen = snapshot.stamps;
    if (snapshot.hash === this.#toldHash) this.#pending = null;
    else if (pending === null || pending.snapshot.stamps.all !== snapshot.stamps.all) {
      const quietMs = this.#quietMs(snapshot);
      this.#pending = { snapshot, since: now, quietMs };
      this.#lookIn(quietMs);
    } else if (now - pending.since < pending.quietMs) this.#lookIn(pending.quietMs - (now - pending.since) + 1);
    else this.#tell(pending.snapshot);
  }

  #quietMs(snapshot: Snapshot): number {
    if (isIncomplete(snapshot) || goneFiles(this.#toldStamps, snapshot.stamps).length > 0) return absentQuietMs;
    return isAtomicChange(this.#toldStamps, snapshot.stamps) ? swapQuietMs : writeQuietMs;
  }

  #tell(snapshot: Snapshot): void {
    const result = this.#load(snapshot);
    this.#pending = null;
    this.#toldHash = snapshot.hash;
    // What is gone is still missed at the next look: only a file that comes back ends that.
    if (!(result instanceof ConfigError)) this.#toldStamps = snapshot.stamps;
    this.#options.onChange(result);
  }

  #load(snapshot: Snapshot): LoadedConfig | ConfigError {
    const gone = goneFiles(this.#toldStamps, snapshot.stamps);
    try {
      if (snapshot.error !== null) throw snapshot.error;
      if (gone.length > 0) throw new ConfigError(gone.map(goneMistake));
      return settingsFrom(snapshot.sources, { source: this.#path, env: this.#options.env, files: diskFiles });
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
  }
}

/** A file that disappears is an accident until somebody restarts: it never means "no rules". */
function goneMistake(file: string): ConfigMistake {
  const message = 'the file is gone: put it back, or restart to run without it';
  return { file, line: 0, column: 0, path: '', message };
}

/** The kernel's events for one folder, re-armed when the folder is replaced; at most one watcher at a time. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { folderOf } from './snapshot.ts';
import { errorCodeOf } from './system-error.ts';

export class FolderWatch {
  readonly #path: string;
  readonly #onEvent: () => void;
  #watcher: FSWatcher | null = null;
  /** Device and inode of what is watched. */
  #watched = '';

  constructor(path: string, onEvent: () => void) {
    this.#path = path;
    this.#onEvent = onEvent;
  }

  /** Whether the folder that is there now is the one that is watched. */
  isArmed(): boolean {
    return this.#watcher !== null && identityOf(folderOf(this.#path)) === this.#watched;
  }

  /** Watches the folder as it is now. What happened before is not told: look afterwards. */
  arm(): void {
    if (this.isArmed()) return;
    this.close();
    const folder = folderOf(this.#path);
    const identity = identityOf(folder);
    if (identity === '') return;
    try {
      this.#watcher = watch(folder, { persistent: false }, () => this.#onEvent());
      this.#watcher.on('error', () => this.close());
      this.#watched = identity;
    } catch (error) {
      // Out of inotify watches, or gone again: the poll looks until this succeeds.
      if (errorCodeOf(error) === null) throw error;
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#watched = '';
  }
}

/** Device and inode; empty where there is no folder. */
function identityOf(folder: string): string {
  try {
    const { dev, ino } = statSync(folder);
    return `${folder}:${dev}:${ino}`;
  } catch (error) {
    if (errorCodeOf(error) === null) throw error;
    return '';
  }
}

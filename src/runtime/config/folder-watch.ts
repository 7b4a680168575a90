/** The kernel's events for one folder, re-armed when the folder is replaced; at most one watcher at a time. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { folderOf } from './snapshot.ts';

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

  /** Watches the folder as it is now; does nothing while that is what is watched. */
  arm(): void {
    const folder = folderOf(this.#path);
    const stat = statSync(folder, { throwIfNoEntry: false });
    const identity = stat === undefined ? '' : `${folder}:${stat.dev}:${stat.ino}`;
    if (identity === this.#watched && this.#watcher !== null) return;
    this.close();
    if (identity === '') return;
    try {
      this.#watcher = watch(folder, { persistent: false }, () => this.#onEvent());
      this.#watcher.on('error', () => this.close());
      this.#watched = identity;
    } catch {
      // Out of inotify watches, or gone again: the poll sees changes until this succeeds.
      this.close();
    }
    this.#onEvent();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#watched = '';
  }
}

/** What is done in quiet moments, and at the end. */
import { setAsideFolder } from './spool-aside.ts';
import type { Count } from './spool-count.ts';
import { type SpoolError, spoolErrorFrom } from './spool-error.ts';
import type { SpoolParts } from './spool-open.ts';

/** What became of the folder of a spool that failed. */
export interface Closed {
  /** Its folder could not be moved out of the way: it must not be opened as it is. */
  readonly mustSetAside: boolean;
  /** What was in it, when it is gone. */
  readonly vanished: Count | null;
}

export const STAYS: Closed = { mustSetAside: false, vanished: null };

/** Free pages given back at a time: some milliseconds. */
const VACUUM_PAGES = 512;
/** Running time that a crash of an idle process may forget. */
const SAVE_TIME_MS = 60_000;

/** Throws SpoolError, or what SQLite and the file system throw. */
export function maintainParts({ count, database, key, quota, reserve, rows, time }: SpoolParts): void {
  database.refuseMoved();
  key.restore();
  // Not at each call: an idle spool should leave the disk alone.
  if (time.now() - rows.elapsed() >= SAVE_TIME_MS) {
    database.transaction(() => rows.setElapsed(time.now()));
    count.sync();
  }
  database.vacuum(Math.min(VACUUM_PAGES, database.pages().free));
  database.checkpoint();
  quota.measure();
  reserve.make();
}

/** `failed`: nothing that the database said last is believed, and its folder is set aside. */
export function closeParts(
  { bodies, count, database, ledger, paths, rows, time }: SpoolParts,
  lastSeq: number,
  failed: boolean,
  onError: (error: SpoolError) => void,
): Closed {
  const last = ledger.count(lastSeq);
  // Each by itself: what fails must not keep the database, and with it its lock, open.
  const steps = [
    () => bodies.close(),
    () => failed || database.transaction(() => rows.setElapsed(time.now())),
    () => count.close(),
    () => database.close(),
  ];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      onError(spoolErrorFrom(error, 'delete', paths.folder));
    }
  }
  if (!failed) return STAYS;
  try {
    return setAsideFolder(paths) === null ? { mustSetAside: false, vanished: last } : STAYS;
  } catch (error) {
    onError(spoolErrorFrom(error, 'open', paths.folder));
    return { mustSetAside: true, vanished: null };
  }
}

/** Opening a spool: folder, lock, key, leftovers of a crash; what can't be read is set aside, never deleted. */
import { readdirSync } from 'node:fs';
import { keyBeside, setAsideFolder, takeBackBelongings } from './spool-aside.ts';
import { SpoolBodies } from './spool-bodies.ts';
import { type Count, SpoolCount } from './spool-count.ts';
import { SpoolDatabase } from './spool-database.ts';
import { SpoolError, spoolErrorFrom, spoolFault } from './spool-error.ts';
import { prepareFolder, refuseOdd, type SpoolPaths, spoolPaths } from './spool-folder.ts';
import { loadSealer, type SpoolKey } from './spool-key.ts';
import { SpoolLedger } from './spool-ledger.ts';
import { asideWarning, SpoolQuota, walBytesFor } from './spool-quota.ts';
import { SpoolRemoval } from './spool-removal.ts';
import { releaseReserve, SpoolReserve } from './spool-reserve.ts';
import { SpoolRows } from './spool-rows.ts';
import { SpoolSeals } from './spool-seals.ts';
import { RunningTime } from './spool-time.ts';
import { type VolumeKind, volumeKind } from './spool-volume.ts';

export interface SpoolOptions {
  /** `spool.path`: the spool makes a folder of its own in it. */
  readonly path: string;
  /** Bytes of everything in that folder. */
  readonly size: number;
  /** Milliseconds of running time that released records stay for browsing. */
  readonly keep: number;
  /** '': a key file is made in the folder. */
  readonly keyFile: string;
  /** Name of the folder; '' outside Kubernetes. */
  readonly podName: string;
  /** Whether records wait for a copy in Kafka. */
  readonly mirror: boolean;
  /** `refuse` unless given. */
  readonly whenFull?: 'refuse' | 'dropOldest';
  /** Milliseconds of running time after which a record that is not released is given up; 0 or absent: never. */
  readonly maxAge?: number;
  /** Milliseconds for which another pod's folder must have been free before it is adopted; a minute unless given. */
  readonly adoptAfterMs?: number;
  /** The database failed, and its folder could not be set aside then: it must not be used again. */
  readonly mustSetAside?: boolean;
  /** What was in a folder that vanished while it was used: it is lost, and counted. */
  readonly vanished?: Count | null;
  /** Monotonic milliseconds; `performance.now` unless a test has its own. */
  readonly now?: () => number;
}

export interface SpoolParts {
  readonly paths: SpoolPaths;
  readonly database: SpoolDatabase;
  readonly ledger: SpoolLedger;
  readonly count: SpoolCount;
  readonly reserve: SpoolReserve;
  readonly key: SpoolKey;
  readonly rows: SpoolRows;
  readonly seals: SpoolSeals;
  readonly bodies: SpoolBodies;
  readonly quota: SpoolQuota;
  readonly time: RunningTime;
  readonly volume: VolumeKind;
  readonly warnings: readonly string[];
}

/** Throws SpoolError; then nothing is left open. */
export function openParts(options: SpoolOptions): SpoolParts {
  const paths = spoolPaths(options.path, options.podName);
  if (options.mustSetAside === true) setAsideFolder(paths);
  prepareFolder(paths);
  try {
    return openOnce(paths, options);
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
    // A spool that can't be opened gives nothing back, and a full volume would stay full.
    if (error.fault === 'full' && releaseReserve(paths.reserve)) return openOnce(paths, options);
    if (error.fault !== 'corrupt') throw error;
    setAsideFolder(paths);
    prepareFolder(paths);
    return openOnce(paths, options);
  }
}

function openOnce(paths: SpoolPaths, options: SpoolOptions): SpoolParts {
  refuseOdd(paths);
  const database = new SpoolDatabase(paths.database, walBytesFor(options.size));
  let count: SpoolCount | null = null;
  try {
    count = new SpoolCount(paths.count);
    if (database.fresh) refuseEmptied(paths, count.value);
    takeBackBelongings(paths);
    const ledger = new SpoolLedger(database);
    const rows = new SpoolRows(database, ledger);
    const lost = settleCount({ database, ledger, rows, count, vanished: options.vanished ?? null });
    const key = loadSealer(options.keyFile, paths.key, rows.isEmptyOfKeys(), keyBeside(paths));
    const seals = new SpoolSeals(database, rows, key.sealer);
    const bodies = new SpoolBodies(paths.bodies, key.sealer);
    const named = rows.bodyFiles();
    bodies.removeOrphans((name) => named.has(name));
    const reserve = new SpoolReserve(paths.reserve, walBytesFor(options.size));
    reserve.make();
    const removal = new SpoolRemoval(database, ledger);
    const dropOldest = options.whenFull === 'dropOldest';
    const quota = new SpoolQuota({ paths, database, removal, bodies, reserve, limitBytes: options.size, dropOldest });
    const time = new RunningTime(rows.elapsed(), options.now ?? (() => performance.now()));
    const volume = volumeKind(paths.folder);
    const warnings = [asideWarning(paths), lost].filter((text) => text !== '');
    const stored = { paths, database, ledger, count, reserve, key, rows, seals, bodies };
    return { ...stored, quota, time, volume, warnings };
  } catch (error) {
    count?.close();
    database.close();
    throw spoolErrorFrom(error, 'open', paths.folder);
  }
}

/** A database without anything, beside bodies or a count of more: it was taken away or emptied, nobody starts anew. */
function refuseEmptied({ database, bodies }: SpoolPaths, count: Count | null): void {
  if (readdirSync(bodies).length === 0 && (count?.captured ?? 0) === 0) return;
  throw spoolFault('open', 'corrupt', database, 'the database was removed or emptied');
}

interface Counted {
  readonly database: SpoolDatabase;
  readonly ledger: SpoolLedger;
  readonly rows: SpoolRows;
  readonly count: SpoolCount;
  readonly vanished: Count | null;
}

/**
 * What the second count knows and the database does not was promised, and is lost: it is quarantined, and pages.
 * Returns a line about it, or ''.
 */
function settleCount({ database, ledger, rows, count, vanished }: Counted): string {
  const known = count.value;
  const missing = Math.max(0, (known?.captured ?? 0) - ledger.captured);
  const lost = missing + (vanished?.kept ?? 0);
  database.transaction(() => {
    ledger.addCaptured(missing + (vanished?.captured ?? 0));
    ledger.addGone('quarantined', lost);
    for (const [state, records] of Object.entries(vanished?.settled ?? {})) ledger.addGone(state, records);
    if (vanished !== null) ledger.carryLost(vanished.lost);
    // A number that was given must not be given again.
    rows.skipTo(Math.max(known?.lastSeq ?? 0, vanished?.lastSeq ?? 0));
  });
  count.write(ledger.count(rows.lastSeq()));
  if (lost === 0) return '';
  return `spool: ${lost} records that were kept are missing from ${database.path}: a damaged WAL, an older copy of the file, or a folder that was removed; they count as quarantined`;
}

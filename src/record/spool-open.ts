/** Opening a spool: folder, lock, key, leftovers of a crash; what can't be read is set aside, never deleted. */
import { readdirSync, renameSync } from 'node:fs';
import { SpoolBodies } from './spool-bodies.ts';
import { SpoolDatabase } from './spool-database.ts';
import { SpoolError, spoolErrorFrom } from './spool-error.ts';
import { prepareFolder, type SpoolPaths, setAside, spoolPaths } from './spool-folder.ts';
import { loadSealer } from './spool-key.ts';
import { asideWarning, SpoolQuota, walBytesFor } from './spool-quota.ts';
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
  /** Monotonic milliseconds; `performance.now` unless a test has its own. */
  readonly now?: () => number;
}

export interface SpoolParts {
  readonly paths: SpoolPaths;
  readonly database: SpoolDatabase;
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
  prepareFolder(paths);
  try {
    return openOnce(paths, options);
  } catch (error) {
    if (!(error instanceof SpoolError) || error.fault !== 'corrupt') throw error;
    setAside(paths);
    prepareFolder(paths);
    return openOnce(paths, options);
  }
}

function openOnce(paths: SpoolPaths, options: SpoolOptions): SpoolParts {
  const database = new SpoolDatabase(paths.database, walBytesFor(options.size));
  try {
    if (database.fresh) setBodiesAside(paths);
    const rows = new SpoolRows(database);
    const sealer = loadSealer(options.keyFile, paths.key, rows.epochs().length === 0);
    const seals = new SpoolSeals(database, rows, sealer);
    const bodies = new SpoolBodies(paths.bodies, sealer);
    const named = rows.bodyFiles();
    bodies.removeOrphans((name) => named.has(name));
    const quota = new SpoolQuota({ paths, database, rows, bodies, limitBytes: options.size });
    const time = new RunningTime(rows.value('elapsed'), options.now ?? (() => performance.now()));
    const warnings = [asideWarning(paths)].filter((text) => text !== '');
    return { paths, database, rows, seals, bodies, quota, time, volume: volumeKind(paths.folder), warnings };
  } catch (error) {
    database.close();
    throw spoolErrorFrom(error, 'open', paths.folder);
  }
}

/** Bodies without any database are not orphans of a crash: the database was taken away, or emptied. */
function setBodiesAside(paths: SpoolPaths): void {
  if (readdirSync(paths.bodies).length === 0) return;
  renameSync(paths.bodies, `${paths.bodies}.corrupt-${Date.now()}`);
  prepareFolder(paths);
}

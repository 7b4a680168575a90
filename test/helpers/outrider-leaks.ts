/** What must not be left when a test ends. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { MetricSamples } from './metric-samples.ts';
import type { LogLine } from './outrider.ts';
import { halfClosedSockets, openFiles } from './process-facts.ts';
import { waitFor } from './wait.ts';

/** SQLite opens these when it needs them and keeps them. */
const DATABASE_FILE = /\/(spool\.db(-wal|-shm|-journal)?|count)( \(deleted\))?$/;

/** Leaks of a running process, in words; empty when everything came back to where it was at the start. */
export async function checkBeforeExit(
  pid: number,
  filesAtStart: readonly string[],
  metrics: () => Promise<MetricSamples>,
  timeoutMs: number,
): Promise<string[]> {
  let leaks: string[] = [];
  const settled = async (): Promise<boolean> => {
    // Requests first: when they are done, what they had open must be closed.
    leaks = [...(await inFlight(metrics)), ...newFiles(pid, filesAtStart), ...halfClosed(pid)];
    return leaks.length === 0;
  };
  // The last look's findings say more than the deadline's error.
  await waitFor(settled, { what: 'sockets and files to close', timeoutMs }).catch((error: Error) => {
    if (leaks.length === 0) leaks = [error.message];
  });
  return leaks;
}

/** Leaks that show in its last lines and in its spool. */
export function checkAfterExit(logs: readonly LogLine[], spoolDir: string): string[] {
  const forced = logs.filter(({ msg }) => msg.includes('forced exit')).map(({ msg }) => `it logged: ${msg}`);
  return [...forced, ...spoolFolders(spoolDir).flatMap(wrongBodies)];
}

/** One for each pod that has used it. */
function spoolFolders(spoolDir: string): string[] {
  if (!existsSync(spoolDir)) return [];
  return (
    readdirSync(spoolDir)
      .map((name) => join(spoolDir, name))
      // Not of what was set aside: nothing there is anybody's any more.
      .filter((folder) => existsSync(join(folder, 'spool.db')) && !/\.(source|quarantined)-/.test(folder))
  );
}

/** Body files that no record names, and records whose file isn't there. Only while nobody holds the database. */
function wrongBodies(folder: string): string[] {
  const database = new DatabaseSync(join(folder, 'spool.db'), { readOnly: true });
  try {
    const rows = database.prepare('SELECT body_file FROM records WHERE body_file IS NOT NULL').all();
    const named = new Set(rows.map((row) => String(row.body_file)));
    const files = new Set(readdirSync(join(folder, 'bodies')));
    return [
      ...[...files].filter((file) => !named.has(file)).map((file) => `body file ${file} without a record`),
      ...[...named].filter((file) => !files.has(file)).map((file) => `a record without its body file ${file}`),
    ];
  } finally {
    database.close();
  }
}

function newFiles(pid: number, filesAtStart: readonly string[]): string[] {
  return openFiles(pid)
    .filter((file) => !filesAtStart.includes(file) && !DATABASE_FILE.test(file))
    .map((file) => `open file ${file}`);
}

function halfClosed(pid: number): string[] {
  return halfClosedSockets(pid).map((socket) => `half-closed socket ${socket}`);
}

async function inFlight(metrics: () => Promise<MetricSamples>): Promise<string[]> {
  const requests = (await metrics()).value('requests_in_flight');
  return requests === 0 ? [] : [`${requests} requests in flight`];
}

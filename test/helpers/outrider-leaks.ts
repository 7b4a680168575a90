/** What must not be left when a test ends. */
import type { MetricSamples } from './metric-samples.ts';
import type { LogLine } from './outrider.ts';
import { halfClosedSockets, openFiles } from './process-facts.ts';
import { waitFor } from './wait.ts';

/** SQLite opens these when it needs them and keeps them. */
const DATABASE_FILE = /\.(db|sqlite)(-wal|-shm|-journal)?$/;

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

/** Leaks that show in its last lines and in its folder. */
export function checkAfterExit(logs: readonly LogLine[], _spoolDir: string): string[] {
  return logs.filter(({ msg }) => msg.includes('forced exit')).map(({ msg }) => `it logged: ${msg}`);
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

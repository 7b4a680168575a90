/** What is degraded: it stops no traffic, and a person should know. Asked of the keeper, whose parts they are. */
import { ledgerDifference } from './source-series.ts';
import { type Sources, snapshotSources } from './sources.ts';

/** Everything that is worse than it should be and does not stop traffic, one line each; empty when all is well. */
export function degradations(sources: Sources): string[] {
  const now = snapshotSources(sources);
  const found = [...spoolProblems(now), ...mirrorProblems(now), ...configProblems(now)];
  return [...found, ...now.problems()].map((text) => text.replace(/\s+/g, ' '));
}

function spoolProblems(sources: Sources): string[] {
  const stats = sources.spool();
  if (stats === null) return ['spool: not available, failed requests are not kept'];
  const found: string[] = [];
  const difference = ledgerDifference(stats);
  if (difference !== 0) found.push(`ledger: captured and the sum of all states differ by ${difference}`);
  if (stats.records.quarantined > 0) found.push(`spool: ${stats.records.quarantined} records can't be read`);
  const warning = sources.volume()?.warning ?? '';
  if (warning !== '') found.push(`volume: ${warning}`);
  return found;
}

function mirrorProblems(sources: Sources): string[] {
  const mirror = sources.mirror();
  if (mirror === null || mirror.up) return [];
  const why = mirror.lastError === '' ? '' : ` (${mirror.lastError})`;
  return [`mirror: ${sources.spool()?.mirrorWaiting ?? 0} records wait for Kafka${why}`];
}

function configProblems(sources: Sources): string[] {
  const { stale, lastReloadSuccessful, hash } = sources.config();
  if (stale) return [`config: the present one is broken, the last good one (${hash}) runs`];
  return lastReloadSuccessful ? [] : [`config: the last change was rejected, ${hash} still runs`];
}

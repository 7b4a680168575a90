/**
 * What the kubelet asks. Not ready takes a pod out of its Service and not alive restarts it: neither helps against a
 * Kafka, a target or a disk that is away, so those are told in `?verbose` and never change a status.
 */
import { heartbeatAgeSeconds } from './meter.ts';
import { ledgerDifference } from './source-series.ts';
import { type Sources, snapshotSources } from './sources.ts';

export interface ProcessState {
  readonly configParsed: boolean;
  readonly listenersBound: boolean;
  /** Shutting down in `drain` mode: still serving, but out of the Service's endpoints. */
  readonly draining: boolean;
}

export interface HealthReport {
  readonly ok: boolean;
  /** `[+]name ok`, `[-]name: what is wrong`, as the API server of Kubernetes prints them. */
  readonly lines: readonly string[];
}

export interface Health {
  /** The listener is bound and the configuration parsed. */
  startupz(): HealthReport;
  /** It can serve. Lists what is degraded. */
  readyz(): HealthReport;
  /** The path's event loop turns. */
  livez(): HealthReport;
}

export interface HealthOptions {
  /** The path's meter: its heartbeat. */
  readonly memory: SharedArrayBuffer;
  readonly sources: Sources;
  process(): ProcessState;
  /** Seconds without a heartbeat after which the path counts as hung. */
  readonly staleAfterSeconds?: number;
}

/** Ten beats: longer than any collector pause or throttled second, shorter than a caller's patience. */
const STALE_AFTER_SECONDS = 10;

export function createHealth(options: HealthOptions): Health {
  const { memory, sources, staleAfterSeconds = STALE_AFTER_SECONDS } = options;
  const started = performance.now();
  const line = (name: string, problem: string): string => (problem === '' ? `[+]${name} ok` : `[-]${name}: ${problem}`);
  const startup = (): HealthReport => {
    const { configParsed, listenersBound } = options.process();
    return {
      ok: configParsed && listenersBound,
      lines: [
        line('config', configParsed ? '' : 'not parsed yet'),
        line('listener', listenersBound ? '' : 'not bound yet'),
      ],
    };
  };
  return {
    startupz: startup,
    readyz() {
      const { ok, lines } = startup();
      const { draining } = options.process();
      const shutdown = line('shutdown', draining ? 'draining, no new connections are wanted' : '');
      return { ok: ok && !draining, lines: [...lines, shutdown, ...degradations(sources).map(degradedLine)] };
    },
    livez() {
      const age = heartbeatAgeSeconds(memory) ?? (performance.now() - started) / 1_000;
      const ok = age <= staleAfterSeconds;
      const problem = ok ? '' : `no heartbeat for ${age.toFixed(1)} s, more than ${staleAfterSeconds} s`;
      return { ok, lines: [line('event-loop', problem)] };
    },
  };
}

const degradedLine = (text: string): string => `[-]degraded: ${text}`;

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

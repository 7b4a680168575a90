/**
 * What the kubelet asks. Not ready takes a pod out of its Service and not alive restarts it: neither helps against a
 * Kafka, a target or a disk that is away, so those are told in `?verbose` and never change a status. The path's own
 * thread answers: one that hangs doesn't, and a keeper that waits for its disk must not be what a pod is killed for.
 */

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
  /** It can serve. */
  readyz(): HealthReport;
  /** The path's event loop turns: it has just answered this. */
  livez(): HealthReport;
}

const line = (name: string, problem: string): string => (problem === '' ? `[+]${name} ok` : `[-]${name}: ${problem}`);

export function createHealth(process: () => ProcessState): Health {
  const startup = (): HealthReport => {
    const { configParsed, listenersBound } = process();
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
      const { draining } = process();
      const shutdown = line('shutdown', draining ? 'draining, no new connections are wanted' : '');
      return { ok: ok && !draining, lines: [...lines, shutdown] };
    },
    livez: () => ({ ok: true, lines: [line('event-loop', '')] }),
  };
}

/** From the first signal to the end of the process. Everything promised is on disk at any moment: no step is needed. */
import type { Listener } from '../accept/node-server.ts';
import type { Overload } from '../accept/overload.ts';
import type { PathLog } from '../watch/path-log.ts';

export interface ShutdownParts {
  readonly listeners: readonly Listener[];
  readonly overload: Overload;
  readonly log: PathLog;
  /** Not ready from now on. */
  readonly announce: () => void;
  /** Cuts what has left the listeners, though they wait for it to be closed: tunnels. */
  readonly cut: () => void;
  /** Milliseconds without a request in flight after which nothing more is expected. */
  readonly quietMs?: number;
}

const QUIET_MS = 1000;
const LOOK_MS = 20;
/** A connection that is cut tells so a moment after its listener is closed. */
const CUT_MS = 500;

/**
 * `drain`: keeps accepting, answers with `Connection: close`, and ends when nothing has been in flight for a second,
 * or at `maxMs`. `native` (the application has ended before us): only what is in flight is waited for.
 */
export async function drain(parts: ShutdownParts, mode: 'drain' | 'native', maxMs: number): Promise<void> {
  const { listeners, overload, log, announce, cut, quietMs = mode === 'drain' ? QUIET_MS : 0 } = parts;
  announce();
  log.log('info', { mode, inFlight: overload.inFlight }, 'shutting down');
  for (const listener of listeners) listener.drain();
  await untilQuiet(overload, quietMs, maxMs);
  if (overload.inFlight > 0)
    log.log('warn', { inFlight: overload.inFlight }, 'requests were cut at the end of shutdown.max');
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  if (overload.inFlight > 0) {
    for (const listener of listeners) listener.destroy();
    cut();
  }
  await closed;
  // What was cut has failed, and is to be kept before the keeper is told to end.
  await untilQuiet(overload, 0, CUT_MS);
}

function untilQuiet(overload: Overload, quietMs: number, maxMs: number): Promise<void> {
  const end = performance.now() + maxMs;
  let quietSince = performance.now();
  return new Promise((resolve) => {
    const look = (): void => {
      const now = performance.now();
      if (overload.inFlight > 0) quietSince = now;
      if (now - quietSince >= quietMs && overload.inFlight === 0) resolve();
      else if (now >= end) resolve();
      else setTimeout(look, LOOK_MS);
    };
    look();
  });
}

/** A terminal's Ctrl-C reaches a process more than once: from the terminal and from npm. */
const SAME_SIGNAL_MS = 1000;

/** Calls `stop` at the first SIGTERM or SIGINT, `now` at a later one. Returns what takes the handlers away. */
export function onSignals(stop: (signal: string) => void, now: () => void): () => void {
  let first = Number.POSITIVE_INFINITY;
  const handle = (signal: NodeJS.Signals): void => {
    const at = performance.now();
    if (first === Number.POSITIVE_INFINITY) {
      first = at;
      stop(signal);
    } else if (at - first > SAME_SIGNAL_MS) now();
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
  return () => {
    process.off('SIGTERM', handle);
    process.off('SIGINT', handle);
  };
}

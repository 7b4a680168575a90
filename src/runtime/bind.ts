/** Binds the listeners of a configuration. */
import { readFileSync } from 'node:fs';
import { bindPlace } from '../accept/address.ts';
import { createGate, type Gate } from '../accept/auth.ts';
import type { Seats } from '../accept/node-seats.ts';
import { type Listener, type ListenerEvents, type ListenerOptions, startListener } from '../accept/node-server.ts';
import type { ListenerSettings, Settings } from '../exchange.ts';
import { StartError } from './errors.ts';

/** In their order. Throws StartError, with none left bound, when one can't be: half an ambassador is none. */
export async function bindListeners(settings: Settings, events: ListenerEvents, seats: Seats): Promise<Listener[]> {
  const bound: Listener[] = [];
  for (const [index, listener] of settings.process.listeners.entries()) {
    try {
      const gate = gateOf(listener, index);
      bound.push(await startListener({ ...listenerOptions(listener, settings), gate }, events, seats));
    } catch (error) {
      for (const each of bound) each.destroy();
      throw error instanceof StartError ? error : new StartError(bindProblem(listener, index, error));
    }
  }
  return bound;
}

/** Limits and certificates of a reloaded configuration; addresses need a restart. Throws when one can't be read. */
export function updateListeners(listeners: readonly Listener[], settings: Settings): void {
  const options = settings.process.listeners.map((listener) => listenerOptions(listener, settings));
  for (const [index, listener] of listeners.entries()) {
    const own = options[index];
    if (own !== undefined) listener.update(own);
  }
}

/** Throws StartError: who may come in must be known before anybody can. */
function gateOf({ name, auth }: ListenerSettings, index: number): Gate | null {
  try {
    return createGate(auth);
  } catch (error) {
    throw new StartError(
      `listeners[${index}].auth (${name}): ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function listenerOptions(listener: ListenerSettings, { process: { limits } }: Settings): Omit<ListenerOptions, 'gate'> {
  const { name, address, tls, tolerate, keepAlive: keepAliveMs } = listener;
  const { headTimeout: headTimeoutMs, bodyIdle: bodyIdleMs, writeIdle: writeIdleMs, headerBytes, connections } = limits;
  const { requestLine, headerCount, body } = limits;
  return {
    ...bindPlace(address),
    name,
    tls: tls.cert === '' ? null : readTls(tls),
    keepAliveMs,
    headTimeoutMs,
    bodyIdleMs,
    writeIdleMs,
    headerBytes,
    connections,
    tolerate,
    guard: { requestLine, headerCount, body },
  };
}

function readTls(tls: ListenerSettings['tls']): { cert: string; key: string; clientCa: string } {
  const read = (path: string): string => readFileSync(path, 'utf8');
  return { cert: read(tls.cert), key: read(tls.key), clientCa: tls.clientCa === '' ? '' : read(tls.clientCa) };
}

function bindProblem({ name, address }: ListenerSettings, index: number, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const key = `listeners[${index}].address (${name})`;
  if (code === 'EADDRINUSE') return `${address}: the port is in use; free it or change ${key}`;
  if (code === 'EACCES') return `${address}: this port needs a privilege; choose one above 1023 in ${key}`;
  return `${address}: ${error instanceof Error ? error.message : String(error)}; see ${key}`;
}

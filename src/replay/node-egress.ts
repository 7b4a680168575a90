/** Connections to addresses that came with a request: judged before the connect, and once more when it stands. */
import { isIP, type LookupFunction } from 'node:net';
import type { buildConnector as BuildConnector } from 'undici';
import buildConnector from 'undici/lib/core/connect.js';
import type { Egress, EgressRefusal } from './egress.ts';

/** Never retriable by itself: the same URL is refused the next time, too. */
export class EgressError extends Error {
  readonly code = 'ERR_OUTRIDER_EGRESS';
  constructor(host: string, refusal: string) {
    super(`${host}: ${refusal}`);
    this.name = 'EgressError';
  }
}

export interface EgressConnectorOptions {
  readonly egress: Egress;
  /** All addresses of a name. */
  readonly lookup: LookupFunction;
  readonly timeoutMs: number;
}

/**
 * For undici's `connect`. A name is resolved once for each connection, and the connection goes to what was judged: a
 * second look-up could have another answer (DNS rebinding).
 */
export function egressConnector({ egress, lookup, timeoutMs }: EgressConnectorOptions): BuildConnector.connector {
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
    // Node asks no resolver about what is an address.
    const literal: EgressRefusal = isIP(host) === 0 ? null : egress.refuse(host, port);
    if (literal !== null) return callback(new EgressError(host, literal), null);
    // One for each connect: only so does the look-up know the port, and no TLS session outlives the judgement.
    const lookupHere = guardedLookup(egress, lookup, port);
    const connect = buildConnector({ timeout: timeoutMs, allowH2: false, maxCachedSessions: 0, lookup: lookupHere });
    connect(options, (...[error, socket]: Parameters<typeof callback>) => {
      if (error !== null) return callback(error, null);
      const connected = egress.refuse(socket.remoteAddress ?? '', port);
      if (connected === null) return callback(null, socket);
      socket.destroy();
      callback(new EgressError(host, connected), null);
    });
  };
}

function guardedLookup(egress: Egress, lookup: LookupFunction, port: number): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      const all = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const refusal =
        error === null
          ? egress.refuseAny(
              all.map(({ address }) => address),
              port,
            )
          : null;
      if (refusal !== null) return callback(new EgressError(hostname, refusal), '', 0);
      const [first] = all;
      if (error !== null || options.all === true || first === undefined) return callback(error, all);
      callback(null, first.address, first.family);
    });
  };
}

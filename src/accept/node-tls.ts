/** TLS of a listener: its certificate, and the certificates that callers have to show. */
import { TLSSocket } from 'node:tls';
import type { Refusal } from './guard.ts';

/** PEM texts. `clientCa`: '' where callers need no certificate. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

export function tlsOptions({ cert, key, clientCa }: TlsTexts) {
  const client = clientCa === '' ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ...client };
}

export const UNPROVEN: Refusal = { status: 0, kind: 'auth', detail: 'A client certificate of clientCa is needed.' };

/**
 * Whether a handshake failed because the caller has no certificate, or one of another authority: for the latter Node
 * cuts the connection as if the caller had.
 */
export function isUnproven({ code }: NodeJS.ErrnoException, socket: unknown): socket is TLSSocket {
  if (!(socket instanceof TLSSocket)) return false;
  return code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' || Boolean(socket.authorizationError);
}

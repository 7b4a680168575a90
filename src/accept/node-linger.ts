/**
 * How a connection is closed (RFC 9112 section 9.6): in stages. One that is closed with bytes unread is reset, and
 * the caller may never get to read what was written last.
 */
import type { Duplex } from 'node:stream';

/** What a caller still sends is dropped for so long before its connection is closed. */
export const LINGER_MS = 1000;

/** Writes the last of it, says that nothing follows, and reads on for a moment. May be called again. */
export function endGently(socket: Duplex, bytes: Buffer | null = null): void {
  if (socket.destroyed) return;
  if (socket.writable) socket.end(bytes ?? undefined);
  socket.resume();
  if (socket.writableFinished) linger(socket);
  else socket.once('finish', () => linger(socket));
}

function linger(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/**
 * How a connection is closed: in stages (RFC 9112 section 9.6). One that is closed with bytes unread is reset, and who
 * sent them may never get to read what was written last.
 */
import type { Duplex } from 'node:stream';

/** What the other side still sends is dropped for so long before its connection is closed. */
export const LINGER_MS = 1000;

const ending = new WeakSet<Duplex>();

/**
 * Writes the last of it, if there is any, and says that nothing follows. What still comes is read until the other side
 * has ended, too, for a moment at most. May be called again.
 */
export function endGently(side: Duplex, last: Uint8Array | null = null): void {
  if (side.destroyed || ending.has(side)) return;
  ending.add(side);
  if (side.writable) side.end(last ?? undefined);
  // Also while the last of it leaves: who writes all it has before it reads would wait for ever.
  side.resume();
  if (side.writableFinished) linger(side);
  else side.once('finish', () => linger(side));
}

function linger(side: Duplex): void {
  if (side.readableEnded) return void side.destroy();
  side.once('end', () => side.destroy());
  const timer = setTimeout(() => side.destroy(), LINGER_MS);
  side.once('close', () => clearTimeout(timer));
}

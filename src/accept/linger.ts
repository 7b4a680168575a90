/** The end of a connection that its other side may still be sending on. */
import type { Duplex } from 'node:stream';
import { LINGER_MS } from './node-linger.ts';

/**
 * Writes the last bytes, if there are any, and ends the connection once all that was written has left. What still
 * comes is dropped for a moment: a connection that is closed with bytes unread is reset, and who sent them never gets
 * to read what was said before (RFC 9112 section 9.6).
 */
export function endSoon(side: Duplex, last: Uint8Array | null = null): void {
  if (side.destroyed || side.writableFinished) {
    side.destroy();
    return;
  }
  side.end(last ?? undefined, () => {
    if (side.readableEnded || side.destroyed) {
      side.destroy();
      return;
    }
    side.once('end', () => side.destroy());
    const timer = setTimeout(() => side.destroy(), LINGER_MS);
    side.once('close', () => clearTimeout(timer));
    side.resume();
  });
}

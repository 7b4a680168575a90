/**
 * A caller's connection as the HTTP server sees it, with the heads of requests repaired on their way: `tolerate` of a
 * listener. Connections of other listeners never come here; theirs are read by the parser without JavaScript between.
 */
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import { TolerantReader } from './tolerant-reader.ts';
import type { Tolerance } from './tolerate.ts';

type Done = (error?: Error | null) => void;

/** Every connection of the server goes through a reader of its own; none where nothing is tolerated. */
export function tolerateOn(
  server: Server,
  tolerate: readonly Tolerance[],
  headBytes: number,
  onRepaired: (kind: Tolerance) => void,
): void {
  if (tolerate.length === 0) return;
  const tolerances = new Set(tolerate);
  const serve = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const reader = new TolerantReader({ tolerances, headBytes, onRepaired, authority: placeOf(socket) });
    const tolerant = new TolerantSocket(socket, reader);
    for (const each of serve) each.call(server, tolerant);
  });
}

/** Where the client connected to, as a Host field says it. */
function placeOf({ localAddress = 'localhost', localPort, localFamily }: Socket): string {
  return localFamily === 'IPv6' ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
}

const OF_INNER = [
  'bytesRead',
  'bytesWritten',
  'localAddress',
  'localFamily',
  'localPort',
  'remoteAddress',
  'remoteFamily',
  'remotePort',
] as const;

/** A socket without a handle of its own: all it does is done by the one that it wraps. */
class TolerantSocket extends Socket {
  private readonly inner: Socket;

  constructor(inner: Socket, reader: TolerantReader) {
    super({ allowHalfOpen: true });
    this.inner = inner;
    for (const name of OF_INNER) Object.defineProperty(this, name, { get: () => inner[name] });
    inner.on('data', (chunk: Buffer) => this.came(reader.read(chunk)));
    inner.on('end', () => {
      this.came(reader.end());
      this.push(null);
    });
    inner.on('error', (error) => this.destroy(error));
    inner.on('timeout', () => this.emit('timeout'));
    inner.pause();
  }

  /** Only the inner one sees what passes, and with it that the connection is not idle. */
  override setTimeout(ms: number, onTimeout?: () => void): this {
    this.inner.setTimeout(ms);
    if (onTimeout === undefined) return this;
    return ms === 0 ? this.off('timeout', onTimeout) : this.once('timeout', onTimeout);
  }

  override resetAndDestroy(): this {
    this.inner.resetAndDestroy();
    return this.destroy();
  }

  override _read(): void {
    this.inner.resume();
  }

  override _write(chunk: Uint8Array | string, encoding: BufferEncoding, done: Done): void {
    this.inner.write(chunk, encoding, done);
  }

  override _writev(chunks: { chunk: Uint8Array | string; encoding: BufferEncoding }[], done: Done): void {
    this.inner.cork();
    for (const [index, { chunk, encoding }] of chunks.entries()) {
      this.inner.write(chunk, encoding, index === chunks.length - 1 ? done : undefined);
    }
    this.inner.uncork();
  }

  override _final(done: Done): void {
    this.inner.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.inner.destroy();
    super._destroy(error, done);
  }

  private came(bytes: Buffer): void {
    if (bytes.length > 0 && !this.destroyed && !this.push(bytes)) this.inner.pause();
  }
}

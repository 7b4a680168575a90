/** A client that speaks bytes. */
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { parseResponses, type RawResponse } from './raw-response.ts';

export type { RawResponse } from './raw-response.ts';

export interface RawOptions {
  readonly host?: string;
  /** Writes pieces of this many bytes, each in its own turn of the event loop and its own segment. */
  readonly splitEvery?: number;
  /** Done when this many final answers (not 1xx) have come; otherwise when the other side closes. */
  readonly responses?: number;
  /** Done when nothing has come for this long after the last byte; the way to show that nothing comes. */
  readonly idleMs?: number;
  readonly timeoutMs?: number;
  /** Methods of the requests in `bytes`, when one of them is HEAD. */
  readonly methods?: readonly string[];
  /** Sends FIN after the bytes. */
  readonly end?: boolean;
}

export interface RawResult {
  readonly bytes: Buffer;
  /** Complete answers in order, interim ones among them. */
  readonly responses: readonly RawResponse[];
  /** Bytes after the last complete answer. */
  readonly rest: Buffer;
  /** Why the exchange ended here. */
  readonly ended: 'closed' | 'reset' | 'responses' | 'idle';
}

/**
 * Sends bytes (a string is latin1) on a new connection and collects what comes back.
 *
 * @throws Error with what had come, when the exchange hasn't ended within `timeoutMs` (10 s).
 */
export async function sendRaw(port: number, bytes: string | Uint8Array, options: RawOptions = {}): Promise<RawResult> {
  const socket = connect({ port, host: options.host ?? '127.0.0.1', noDelay: true });
  const methods = options.methods ?? [];
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  try {
    // Writing and reading run side by side: an answer may come before the request is out.
    const [ended] = await Promise.all([
      waitForEnd(socket, options, () => parseResponses(received, methods, false).responses),
      writeInPieces(socket, bytes, options),
    ]);
    const closed = ended === 'closed' || ended === 'reset';
    return { bytes: received, ...parseResponses(received, methods, closed), ended };
  } catch (error) {
    throw new Error(`${String(error)}; received so far: ${JSON.stringify(received.toString('latin1'))}`);
  } finally {
    socket.destroy();
  }
}

function waitForEnd(socket: Socket, options: RawOptions, responses: () => RawResponse[]): Promise<RawResult['ended']> {
  const { responses: wanted, idleMs, timeoutMs = 10_000 } = options;
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`not ended within ${timeoutMs} ms`)), timeoutMs);
    let idle: NodeJS.Timeout | undefined;
    const done = (ended: RawResult['ended']): void => {
      clearTimeout(deadline);
      clearTimeout(idle);
      resolve(ended);
    };
    const restartIdle = (): void => {
      if (idleMs === undefined) return;
      clearTimeout(idle);
      idle = setTimeout(() => done('idle'), idleMs);
    };
    socket.on('connect', restartIdle);
    socket.on('data', () => {
      restartIdle();
      if (wanted !== undefined && countFinal(responses) >= wanted) done('responses');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return done('reset');
      clearTimeout(deadline);
      reject(error);
    });
    socket.on('close', () => done('closed'));
  });
}

/** Broken bytes count as no answer here; the final parse reports them. */
function countFinal(responses: () => RawResponse[]): number {
  try {
    return responses().filter(({ status }) => status >= 200).length;
  } catch {
    return 0;
  }
}

async function writeInPieces(socket: Socket, bytes: string | Uint8Array, options: RawOptions): Promise<void> {
  const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  const size = options.splitEvery ?? Math.max(all.length, 1);
  for (let at = 0; at < all.length && !socket.destroyed; at += size) {
    socket.write(all.subarray(at, at + size));
    if (options.splitEvery !== undefined) await turn();
  }
  if (options.end === true && !socket.destroyed) socket.end();
}

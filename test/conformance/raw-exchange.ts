/** Bytes on a connection of their own, from an address of their own, and all that came back until it closed. */
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

export interface Sent {
  readonly received: Buffer;
  readonly ended: 'closed' | 'reset' | 'timeout';
  /** Of the client: Outrider tells it to the target in X-Forwarded-For. */
  readonly address: string;
}

export type Split = 'whole' | 'byte by byte';

/** A longer message takes seconds, byte by byte: only in the full run. */
const MOST_DRIPPED = process.env.OUTRIDER_CONFORMANCE === 'full' ? Number.POSITIVE_INFINITY : 4000;

export const splitsOf = ({ length }: Buffer): readonly Split[] =>
  length > MOST_DRIPPED ? ['whole'] : ['whole', 'byte by byte'];

const TIMEOUT_MS = 20_000;

let last = 0;

/** All of 127.0.0.0/8 is this machine: as many clients as there are messages, each with its own address. */
export function nextAddress(): string {
  last += 1;
  return `127.${64 + Math.floor(last / 62_500)}.${1 + (Math.floor(last / 250) % 250)}.${1 + (last % 250)}`;
}

/** Sends the bytes, then FIN unless `open`, and waits for the end of the connection. */
export async function exchange(port: number, bytes: Buffer, split: Split, { open = false } = {}): Promise<Sent> {
  const address = nextAddress();
  const socket = connect({ port, host: '127.0.0.1', localAddress: address, noDelay: true, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = endOf(socket);
  if (split === 'whole') socket.write(bytes);
  else await drip(socket, bytes);
  if (!open && socket.writable) socket.end();
  const how = await ended;
  socket.destroy();
  return { received: Buffer.concat(chunks), ended: how, address };
}

function endOf(socket: Socket): Promise<Sent['ended']> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('timeout'), TIMEOUT_MS);
    const done = (how: Sent['ended']): void => {
      clearTimeout(timer);
      resolve(how);
    };
    socket.on('error', () => done('reset'));
    socket.on('end', () => done('closed'));
    socket.on('close', () => done('closed'));
  });
}

/** Each byte in its own turn of the event loop and its own segment. */
export async function drip(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && socket.writable; at++) {
    socket.write(bytes.subarray(at, at + 1));
    await turn();
  }
}

/** Runs `work` for each, so many at a time; results in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** A target that answers each request it can read to the letter, and keeps every byte that it received. */
import { createServer, type Socket } from 'node:net';
import { cleanUp } from '../helpers/cleanup.ts';
import { portOf } from '../helpers/ports.ts';
import { readRequest, type StrictRequest, valuesOf } from './strict-request.ts';

/** Something of which only a part came, or which no strict reader reads. */
export interface Fragment {
  readonly why: string;
  readonly bytes: string;
}

/** What came from one client, told by the last address in X-Forwarded-For. */
export interface Arrivals {
  readonly requests: StrictRequest[];
  /** Begun and never finished: the connection was cut. */
  readonly cut: string[];
}

export interface RecordingTarget {
  readonly url: string;
  /** From the client with this address. */
  from(address: string): Arrivals;
  /** What came from nobody that is known, or can't be read: none of it may be there. */
  readonly fragments: readonly Fragment[];
}

export async function startRecordingTarget(): Promise<RecordingTarget> {
  const arrivals = new Map<string, Arrivals>();
  const fragments: Fragment[] = [];
  const sockets = new Set<Socket>();
  const from = (address: string): Arrivals => {
    const known = arrivals.get(address) ?? { requests: [], cut: [] };
    arrivals.set(address, known);
    return known;
  };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    record(socket, from, fragments);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(
    async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
    { shared: true },
  );
  return { url: `http://127.0.0.1:${portOf(server)}`, from, fragments };
}

function record(socket: Socket, from: (address: string) => Arrivals, fragments: Fragment[]): void {
  let pending = Buffer.alloc(0);
  const fragment = (why: string): void => void fragments.push({ why, bytes: pending.toString('latin1', 0, 500) });
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let one = readRequest(pending); one.kind !== 'incomplete'; one = readRequest(pending)) {
      if (one.kind === 'broken') {
        fragment(one.why);
        pending = Buffer.alloc(0);
        socket.destroy();
        return;
      }
      const { request, end } = one;
      pending = pending.subarray(end);
      const address = sender(request.fields);
      if (address === null) fragments.push({ why: 'a request without a sender', bytes: request.target });
      else from(address).requests.push(request);
      socket.write(
        `HTTP/1.1 200 OK\r\nX-Target: 1\r\nContent-Length: 2\r\n\r\n${request.method === 'HEAD' ? '' : 'ok'}`,
      );
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    if (pending.length === 0) return;
    const head = pending.toString('latin1');
    const address = /^X-Forwarded-For: (?:.*, )?([0-9.]+)\r$/m.exec(head)?.[1];
    if (address === undefined) fragment('a piece without a sender');
    else from(address).cut.push(head);
  });
}

function sender(fields: StrictRequest['fields']): string | null {
  const [value] = valuesOf(fields, 'x-forwarded-for');
  return value?.split(', ').at(-1) ?? null;
}

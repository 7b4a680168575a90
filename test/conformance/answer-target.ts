/** A target that answers `/SPLIT/N/ENDING` with the bytes of message N. */
import { createServer, type Socket } from 'node:net';
import { cleanUp } from '../helpers/cleanup.ts';
import { portOf } from '../helpers/ports.ts';
import type { Message } from './corpus.ts';
import { drip, type Split } from './raw-exchange.ts';
import { readRequest } from './strict-request.ts';

/** What follows the bytes: FIN, or nothing. */
export type Ending = 'fin' | 'open';

export interface Order {
  readonly index: number;
  readonly split: Split;
  readonly ending: Ending;
}

export const pathOf = ({ index, split, ending }: Order): string =>
  `/${split === 'whole' ? 'whole' : 'bytes'}/${index}/${ending}`;

const GOOD = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood');

/** Every path that is no order gets a good answer. */
export async function startAnswerTarget(messages: readonly Message[]): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      const one = readRequest(pending);
      if (one.kind !== 'complete') return;
      pending = pending.subarray(one.end);
      void answer(socket, one.request.target, messages);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(
    async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
    { shared: true },
  );
  return `http://127.0.0.1:${portOf(server)}`;
}

async function answer(socket: Socket, path: string, messages: readonly Message[]): Promise<void> {
  const [, split, index = '', ending] = path.split('/');
  const bytes = messages[Number.parseInt(index, 10)]?.bytes;
  if (bytes === undefined) {
    socket.write(GOOD);
    return;
  }
  if (split === 'whole') socket.write(bytes);
  else await drip(socket, bytes);
  if (ending === 'fin' && socket.writable) socket.end();
}

/** A TCP proxy before a broker that can lose the answer to a produce: the records are in the log, nobody hears of it. */
import { connect, createServer, type Socket } from 'node:net';
import { cleanUp } from './cleanup.ts';
import { portOf } from './ports.ts';

export interface KafkaProxy {
  readonly address: string;
  /** Answers to produce requests that were lost. */
  readonly lost: number;
  /** Where connections go to: before the first of them. */
  forwardTo(address: string): void;
  /** The connection of the next produce request is cut when the broker answers it. */
  loseNextAnswer(): void;
}

/** Of a request's head: a length of 4 bytes, then 2 that say what it asks for. */
const API_KEY_AT = 4;
const PRODUCE = 0;

export async function startKafkaProxy({ shared = false } = {}): Promise<KafkaProxy> {
  const sockets = new Set<Socket>();
  let target = '';
  let armed = false;
  let lost = 0;
  const server = createServer((client) => {
    const [host = '', port = ''] = target.split(':');
    const broker = connect({ host, port: Number(port) });
    let losesAnswer = false;
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        broker.destroy();
      });
    }
    client.on('data', (request: Buffer) => {
      if (armed && request.readInt16BE(API_KEY_AT) === PRODUCE) {
        armed = false;
        losesAnswer = true;
      }
      broker.write(request);
    });
    broker.on('data', (answer) => {
      if (losesAnswer) {
        lost += 1;
        client.destroy();
      } else client.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(
    () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
    { shared },
  );
  return {
    address: `127.0.0.1:${portOf(server)}`,
    get lost() {
      return lost;
    },
    forwardTo(address) {
      target = address;
    },
    loseNextAnswer() {
      armed = true;
    },
  };
}

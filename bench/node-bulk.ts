/** One large body up or down, as fast as the other side takes it, in memory that doesn't grow. */
import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** @returns seconds @throws Error when the answer isn't 200 */
export async function upload(url: string, headers: Readonly<Record<string, string>>, bytes: number): Promise<number> {
  const started = performance.now();
  const outgoing = request(url, { method: 'POST', headers: { ...headers, 'content-length': bytes }, agent: false });
  const answered = answerOf(outgoing);
  pump(outgoing, bytes);
  await drain(await answered);
  return (performance.now() - started) / 1000;
}

/** @returns seconds @throws Error when the answer isn't 200 or has another length */
export async function download(url: string, headers: Readonly<Record<string, string>>, bytes: number): Promise<number> {
  const started = performance.now();
  const outgoing = request(url, { headers, agent: false });
  const answered = answerOf(outgoing);
  outgoing.end();
  const received = await drain(await answered);
  if (received !== bytes) throw new Error(`${received} bytes came of ${bytes}`);
  return (performance.now() - started) / 1000;
}

function pump(outgoing: ClientRequest | ServerResponse, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= chunk.length;
      if (!outgoing.write(chunk)) return void outgoing.once('drain', more);
    }
    outgoing.end();
  };
  more();
}

function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', resolve);
  });
}

/** Reads it all. @returns bytes @throws Error when it isn't 200 */
async function drain(answer: IncomingMessage): Promise<number> {
  let received = 0;
  for await (const chunk of answer) received += chunk.length;
  if (answer.statusCode !== 200) throw new Error(`the answer was ${answer.statusCode}`);
  return received;
}

export interface BulkTarget {
  readonly url: string;
  close(): Promise<void>;
}

/** Reads what is sent to it before it answers, and answers every GET with a body of so many bytes. */
export async function startBulkTarget(bytes: number): Promise<BulkTarget> {
  const server = createServer((incoming, answer) => {
    if (incoming.method === 'GET') {
      answer.writeHead(200, { 'content-length': bytes });
      pump(answer, bytes);
    } else {
      incoming.resume().on('end', () => answer.end('read'));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the target is not listening on a port');
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${address.port}`, close };
}

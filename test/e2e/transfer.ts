/** One request over a connection of its own, its bodies streamed both ways: nothing of them is kept. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface TransferAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly bodyBytes: number;
  readonly bodySha256: string;
}

/**
 * Sends a head (with its blank line) and chunks, and reads the answer, which must have a Content-Length.
 *
 * @throws Error when the connection ends before the answer does
 */
export async function transfer(port: number, head: string, chunks: Iterable<Uint8Array> = []): Promise<TransferAnswer> {
  const socket = connect({ port, host: '127.0.0.1' });
  // Reading says how it ended; writing after the other side's end is no failure of its own.
  socket.on('error', () => undefined);
  try {
    const [answer] = await Promise.all([readAnswer(socket), write(socket, head, chunks)]);
    return answer;
  } finally {
    socket.destroy();
  }
}

async function write(socket: Socket, head: string, chunks: Iterable<Uint8Array>): Promise<void> {
  socket.write(head);
  for (const chunk of chunks) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await untilDrained(socket);
  }
}

/** Or gone. */
function untilDrained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

async function readAnswer(socket: Socket): Promise<TransferAnswer> {
  let head = Buffer.alloc(0);
  let answer: { status: number; headers: Map<string, string>; length: number } | null = null;
  let bodyBytes = 0;
  const hash = createHash('sha256');
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    let body: Buffer = chunk;
    if (answer === null) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) continue;
      answer = parseHead(head.toString('latin1', 0, end));
      body = head.subarray(end + 4);
    }
    hash.update(body);
    bodyBytes += body.length;
    if (bodyBytes >= answer.length) {
      return { status: answer.status, headers: answer.headers, bodyBytes, bodySha256: hash.digest('hex') };
    }
  }
  throw new Error(`the connection ended after ${bodyBytes} bytes of the answer's body`);
}

function parseHead(text: string): { status: number; headers: Map<string, string>; length: number } {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const length = Number(headers.get('content-length') ?? Number.NaN);
  if (Number.isNaN(length)) throw new Error(`no Content-Length in ${text}`);
  return { status: Number(statusLine.split(' ')[1]), headers, length };
}

/** Load over keep-alive connections, one request at a time on each; light enough for thousands a second. */
import { connect, type Socket } from 'node:net';
import { parseResponses, type RawResponse } from '../helpers/raw-response.ts';

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** The bytes of request `n`, counted from 0 over all connections; null: there is no further one. */
  readonly request: (n: number) => Uint8Array | string | null;
  readonly answered: (n: number, answer: RawResponse) => void;
  /** A request whose connection broke before its answer was whole. Without it that rejects the run. */
  readonly broken?: (n: number, reason: unknown) => void;
  /** A connection is made anew after so many requests; for ever without. */
  readonly perConnection?: number;
}

/** Resolves when every request has its answer, or when every connection is gone. */
export async function runLoad(options: LoadOptions): Promise<void> {
  let next = 0;
  const take = (): Work | null => {
    const bytes = options.request(next);
    if (bytes === null) return null;
    const n = next;
    next += 1;
    return { n, bytes };
  };
  await Promise.all(Array.from({ length: options.connections }, () => runCaller(options, take)));
}

interface Work {
  readonly n: number;
  readonly bytes: Uint8Array | string;
}

/** One caller; it ends with its connection. */
async function runCaller(options: LoadOptions, take: () => Work | null): Promise<void> {
  const { perConnection = Number.POSITIVE_INFINITY } = options;
  for (let work = take(); work !== null; ) {
    const connection = new Connection(options.port);
    try {
      for (let sent = 0; work !== null && sent < perConnection; sent += 1) {
        options.answered(work.n, await connection.ask(work.bytes));
        work = take();
      }
    } catch (error) {
      if (options.broken === undefined || work === null) throw error;
      options.broken(work.n, error);
      return;
    } finally {
      connection.close();
    }
  }
}

export class Connection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #settle: ((error: unknown, answer?: RawResponse) => void) | null = null;
  #gone: { readonly reason: unknown } | null = null;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('the connection was closed before the answer was whole')));
  }

  /** The other side has closed it, or it broke. */
  get gone(): boolean {
    return this.#gone !== null;
  }

  /** @throws Error when the connection breaks first, or the answer is none. */
  ask(bytes: Uint8Array | string): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      this.#settle = (error, answer) => (answer === undefined ? reject(error) : resolve(answer));
      if (this.#gone === null) this.#socket.write(bytes);
      else this.#end(this.#gone.reason);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    try {
      const { responses, rest } = parseResponses(this.#received, [], false);
      const answer = responses.find(({ status }) => status >= 200);
      if (answer === undefined) return;
      this.#received = rest;
      this.#finish(null, answer);
    } catch (error) {
      this.#end(error);
      this.#socket.destroy();
    }
  }

  #end(reason: unknown): void {
    this.#gone ??= { reason };
    this.#finish(this.#gone.reason);
  }

  #finish(error: unknown, answer?: RawResponse): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(error, answer);
  }
}

/**
 * A small target, and one request to it each 50 ms through a listener, on a connection that is kept. On a thread of its
 * own: what a test does beside it must not look like a slow answer.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { parentPort } from 'node:worker_threads';

const EVERY_MS = 50;

export type ToCanary =
  | { readonly type: 'sing'; readonly port: number; readonly path: string }
  | { readonly type: 'take' };
export type FromCanary =
  | { readonly type: 'target'; readonly port: number }
  | { readonly type: 'taken'; readonly times: readonly number[]; readonly wrong: readonly string[] };

let times: number[] = [];
const wrong: string[] = [];
const post = (message: FromCanary): void => parentPort?.postMessage(message);

function sing(port: number, path: string): void {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let began = 0;
  const ask = (): void => {
    began = performance.now();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: canary\r\n\r\n`);
  };
  socket.on('connect', ask);
  socket.on('data', (chunk) => {
    const took = performance.now() - began;
    times.push(took);
    // So small an answer comes in one piece.
    if (!String(chunk).startsWith('HTTP/1.1 200 ')) wrong.push(String(chunk).slice(0, 100));
    setTimeout(ask, Math.max(0, EVERY_MS - took));
  });
  socket.on('error', (error) => wrong.push(String(error)));
  socket.on('close', () => wrong.push('the connection was closed'));
}

parentPort?.on('message', (message: ToCanary) => {
  if (message.type === 'sing') return sing(message.port, message.path);
  post({ type: 'taken', times, wrong });
  times = [];
});

const server = createServer((_, response) => void response.setHeader('content-length', '2').end('ok'));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') post({ type: 'target', port: address.port });
});

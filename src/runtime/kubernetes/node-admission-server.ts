/** HTTPS for the API server: one POST, one AdmissionReview. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { bindPlace } from '../../accept/address.ts';
import { messageOf } from '../error-message.ts';
import { StartError } from '../errors.ts';
import { type AdmissionRequest, readReview, type Verdict, writeReview } from './admission.ts';
import type { KeyPair } from './certificate.ts';
import { parseJson } from './parse-json.ts';

export interface AdmissionServerOptions {
  /** `*:10250`. */
  readonly address: string;
  /** By path. */
  readonly admit: Readonly<Record<string, (request: AdmissionRequest) => Promise<Verdict> | Verdict>>;
  /** One of them failed: a mistake of ours. */
  readonly onError: (path: string, error: unknown) => void;
}

export interface AdmissionServer {
  readonly port: number;
  /** For connections from now on. */
  use(certificate: KeyPair): void;
  close(): Promise<void>;
}

/** An object of the API server has at most 3 MiB, and a review the old one beside it. */
const MAX_BYTES = 8 * 2 ** 20;
const HEAD_MS = 10_000;
const CLOSE_MS = 2_000;

/** Bound, and serving nothing but this certificate. @throws StartError where the address is taken */
export async function startAdmissionServer(
  certificate: KeyPair,
  options: AdmissionServerOptions,
): Promise<AdmissionServer> {
  const { hosts, port } = bindPlace(options.address);
  const server = createServer({
    ...certificate,
    minVersion: 'TLSv1.2',
    headersTimeout: HEAD_MS,
    requestTimeout: HEAD_MS,
  });
  server.on('request', (request, response) => void serve(request, response, options));
  // Every address of both families where the kernel has both.
  const host = hosts.includes('::') ? undefined : hosts[0];
  await listen(server, port, host, options.address);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    use: (next) => server.setSecureContext({ ...next, minVersion: 'TLSv1.2' }),
    close: () => close(server),
  };
}

function listen(server: Server, port: number, host: string | undefined, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new StartError(`can't listen on ${address}: ${messageOf(error)}; choose another --address`)),
    );
    server.listen({ port, ...(host !== undefined && { host }) }, () => resolve());
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: AdmissionServerOptions,
): Promise<void> {
  const path = request.url?.split('?')[0] ?? '';
  try {
    const admit = options.admit[path];
    if (admit === undefined) return refuse(response, 404, `here are ${Object.keys(options.admit).join(' and ')}`);
    if (request.method !== 'POST') return refuse(response, 405, 'only POST is offered here');
    const body = await readBody(request);
    if (body === null) return refuse(response, 413, `more than ${MAX_BYTES >> 20} MiB`);
    const review = readReview(parseJson(body));
    if (review === null) return refuse(response, 400, 'this is no AdmissionReview of admission.k8s.io/v1');
    const verdict = await admit(review);
    const text = JSON.stringify(writeReview(review.uid, verdict));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  } catch (error) {
    // The API server takes it as a webhook that fails: its failurePolicy decides.
    options.onError(path, error);
    refuse(response, 500, 'the webhook failed: see the log of the injector');
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${reason}\n`);
}

/** null where it is too large. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > MAX_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The API server of the cluster that this pod runs in, with the pod's own account. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { messageOf } from '../error-message.ts';
import { StartError } from '../errors.ts';
import { parseJson } from './parse-json.ts';

export interface KubeAnswer {
  readonly status: number;
  /** undefined where it is no JSON. */
  readonly body: unknown;
}

export interface KubeApi {
  /** @throws Error where there is no answer at all */
  ask(method: 'GET' | 'PUT' | 'PATCH', path: string, body?: unknown): Promise<KubeAnswer>;
}

export interface KubeAccount {
  /** `https://10.96.0.1:443`. */
  readonly server: string;
  /** Folder with `token` and `ca.crt`; the token is read for each request, since it is replaced every hour. */
  readonly folder: string;
}

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 4 * 2 ** 20;

/** @throws StartError outside a cluster */
export function ownAccount(env: Readonly<Record<string, string | undefined>>): KubeAccount {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === undefined || host === '') {
    throw new StartError(
      'KUBERNETES_SERVICE_HOST is not set: the injector runs in a cluster (chart: injector.enabled)',
    );
  }
  return { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, folder: ACCOUNT_FOLDER };
}

export function createKubeApi({ server, folder }: KubeAccount): KubeApi {
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim();
    } catch (error) {
      throw new Error(`${join(folder, name)} can't be read: is automountServiceAccountToken true? ${messageOf(error)}`);
    }
  };
  return {
    ask: (method, path, body) =>
      send({ url: new URL(path, server), method, body, ca: read('ca.crt'), token: read('token') }),
  };
}

interface Question {
  readonly url: URL;
  readonly method: string;
  readonly body: unknown;
  readonly ca: string;
  readonly token: string;
}

function send({ url, method, body, ca, token }: Question): Promise<KubeAnswer> {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${token}`,
    ...(content !== undefined && {
      'content-type': method === 'PATCH' ? 'application/json-patch+json' : 'application/json',
      'content-length': content.length,
    }),
  };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const asked = request(url, { method, headers, ca, signal, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) asked.destroy(new Error(`the answer to ${method} ${url.pathname} is too large`));
        else chunks.push(chunk);
      });
      answer.once('error', reject);
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: parseJson(Buffer.concat(chunks).toString()) }),
      );
    });
    asked.once('error', (error) => {
      reject(
        new Error(`the API server at ${url.host} doesn't answer: ${messageOf(signal.aborted ? signal.reason : error)}`),
      );
    });
    asked.end(content);
  });
}

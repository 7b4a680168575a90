/**
 * A GET by Node's own client. `fetch` would do, but takes 7 MiB more: too much for a command that runs beside Outrider
 * in a container of 64.
 */
import { request as httpRequest } from 'node:http';
import { text as textOf } from 'node:stream/consumers';

export interface Got {
  readonly status: number;
  readonly text: string;
}

/** Rejects when there is no whole answer within `timeoutMs`. */
export async function get(url: URL, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Got> {
  const request = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = request(url, { headers, signal, agent: false }, (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    asked.on('error', (error) => reject(signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error));
    asked.end();
  });
}

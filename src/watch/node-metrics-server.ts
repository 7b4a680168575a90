/**
 * `/metrics` for Prometheus, `/livez`, `/readyz` and `/startupz` for the kubelet. Plain node:http on the path's own thread:
 * what the keeper has to say is asked of it, and its silence is an answer too.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorText } from './error-text.ts';
import type { Health, HealthReport } from './health.ts';
import { type Listening, listenHttp } from './node-listen.ts';

export interface MetricsServerOptions {
  /** The setting `metrics.address`. */
  readonly address: string;
  readonly health: Health;
  /** Text format 0.0.4; rejects when it can't be had now. */
  readonly exposition: () => Promise<string>;
  /** What is degraded, a line each; never rejects. */
  readonly degraded: () => Promise<readonly string[]>;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const PLAIN = 'text/plain; charset=utf-8';
const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8';

/** Listens; rejects with ListenError, which names port and key, so that the caller can go on without it. */
export function startMetricsServer(options: MetricsServerOptions): Promise<Listening> {
  return listenHttp((request, response) => void serve(request, response, options), options.address, 'metrics.address');
}

async function serve(request: IncomingMessage, response: ServerResponse, options: MetricsServerOptions): Promise<void> {
  const { status, type, text } = await reply(request, options).catch(failedScrape);
  const allow = status === 405 ? { allow: 'GET, HEAD' } : {};
  const body = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...allow,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function reply(request: IncomingMessage, options: MetricsServerOptions): Promise<Reply> {
  const { health, exposition, degraded } = options;
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'only GET and HEAD are offered here\n');
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const verbose = new URLSearchParams(query).has('verbose');
  switch (path) {
    case '/metrics':
      return { status: 200, type: EXPOSITION, text: await exposition() };
    case '/livez':
      return answerHealth('livez', health.livez(), verbose);
    case '/readyz':
      return answerHealth('readyz', health.readyz(), verbose, verbose ? await degraded() : []);
    case '/startupz':
      return answerHealth('startupz', health.startupz(), verbose);
    default:
      return plain(404, 'here are /metrics, /livez, /readyz and /startupz\n');
  }
}

const plain = (status: number, text: string): Reply => ({ status, type: PLAIN, text });

function answerHealth(
  name: string,
  { ok, lines }: HealthReport,
  verbose: boolean,
  degraded: readonly string[] = [],
): Reply {
  const status = ok ? 200 : 503;
  if (ok && !verbose) return plain(status, 'ok\n');
  const all = [...lines, ...degraded.map((text) => `[-]degraded: ${text}`)];
  return plain(status, `${[...all, `${name} check ${ok ? 'passed' : 'failed'}`].join('\n')}\n`);
}

/** Told to the scraper, who counts it as a failed scrape. */
function failedScrape(error: unknown): Reply {
  return plain(503, `${errorText(error).replace(/\s+/g, ' ')}\n`);
}

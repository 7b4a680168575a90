/** The answer to a request that goes no further, on Node's HTTP server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, problem } from './answer.ts';
import type { Refusal } from './guard.ts';
import { LINGER_MS } from './node-linger.ts';

/**
 * Answers and closes the connection. A body that is on its way is read and dropped for a moment before that, so that
 * a caller who sends all of it first gets to read the answer instead of a reset (RFC 9112 section 9.6).
 */
export function answerRefusal(refusal: Refusal, request: IncomingMessage, response: ServerResponse): void {
  const { headers, body, status } = refusalAnswer(refusal);
  response.on('finish', () => request.socket.destroySoon());
  response.writeHead(status, [...headers, 'connection', 'close']);
  if (request.method !== 'HEAD') response.write(body);
  if (!isSendingBody(request)) {
    response.end();
    return;
  }
  const timer = setTimeout(() => response.end(), LINGER_MS);
  request.on('close', () => {
    clearTimeout(timer);
    response.end();
  });
  request.resume();
}

export function refusalAnswer({ status, detail, headers = [] }: Refusal): Answer {
  const answer = problem(status, detail);
  answer.headers.push(...headers);
  return answer;
}

/** One that waits for `100 Continue` sends none. */
function isSendingBody({ headers }: IncomingMessage): boolean {
  if (headers.expect !== undefined) return false;
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

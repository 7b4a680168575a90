/** The answer to a request that goes no further, on Node's HTTP server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, problem } from './answer.ts';
import type { Refusal } from './guard.ts';

/** Answers, and nothing that follows on the connection is served: see linger.ts for how it is closed. */
export function answerRefusal(refusal: Refusal, request: IncomingMessage, response: ServerResponse): void {
  const { headers, body, status } = refusalAnswer(refusal);
  response.writeHead(status, [...headers, 'connection', 'close']);
  response.end(request.method === 'HEAD' ? null : body);
}

export function refusalAnswer({ status, detail, headers = [] }: Refusal): Answer {
  const answer = problem(status, detail);
  answer.headers.push(...headers);
  return answer;
}

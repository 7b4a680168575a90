/** Errors of the admin API: problem details (RFC 9457), raised anywhere, answered in one place. */
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { SpoolError } from '../../record/spool-error.ts';

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;
type Status = keyof typeof TITLES;

/** An answer that is not the one asked for. `detail` is for the caller: no internals in it. */
export class Problem extends Error {
  readonly status: Status;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: Status, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.headers = headers;
  }
}

/** For a route's other methods. `allow`: its methods, as the Allow field lists them (RFC 9110 section 10.2.1). */
export function methodNotAllowed(allow: string): RequestHandler {
  return (request) => {
    throw new Problem(405, `${request.method} is not offered here; use ${allow}`, { allow });
  };
}

export const notFound: RequestHandler = (request) => {
  throw new Problem(404, `there is no ${request.path}; see /api/records, /api/ledger and /api/config`);
};

/** The last layer. What is not a Problem is a fault of ours: `report` gets it, the caller doesn't. */
export function answerProblems(report: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const problem = toProblem(error);
    if (problem.status === 500) report(error);
    if (response.headersSent) next(error);
    else sendProblem(response, problem);
  };
}

/** Express and its body parser raise errors with a status (http-errors): those below 500 are the caller's. */
function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SpoolError)
    return new Problem(503, 'the spool can not be read just now: it is being replaced, or its disk fails; try again');
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : 500;
  if (status === 413) return new Problem(413, 'the body is larger than the admin API takes');
  if (status === 415) return new Problem(415, "the body's encoding is not one that the admin API reads");
  if (typeof status === 'number' && status >= 400 && status < 500) return new Problem(400, 'the request is malformed');
  return new Problem(500, 'this failed inside Outrider; its log says why');
}

function sendProblem(response: Response, { status, message, headers }: Problem): void {
  const body = { type: 'about:blank', title: TITLES[status], status, detail: message };
  response
    .status(status)
    .set(headers)
    .type('application/problem+json')
    .send(`${JSON.stringify(body)}\n`);
}

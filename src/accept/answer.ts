/** Answers of our own: problem details (RFC 9457), never a stack trace, never an internal name. */

/** A whole answer, ready to be written. `headers` is flat: name, value, name, value … */
export interface Answer {
  readonly status: number;
  readonly headers: string[];
  /** A text is ASCII: it needs no bytes of its own. */
  readonly body: Buffer | string;
}

export interface ProblemMembers {
  /** Id of the kept record, where there is one. */
  readonly record?: string;
}

/** Overload is over in moments or not at all; what comes back at once is the same load again. */
const RETRY_AFTER_SECONDS = '1';

/** `application/problem+json` for `status`. `extra` is added to the object and, for a record, as `outrider-record`. */
export function problem(status: number, detail: string, extra: ProblemMembers = {}): Answer {
  const text = `${JSON.stringify({ type: 'about:blank', title: reasonPhrase(status), status, detail, ...extra })}\n`;
  const length = Buffer.byteLength(text);
  const body = length === text.length ? text : Buffer.from(text);
  const headers = ['content-type', 'application/problem+json', 'content-length', String(length)];
  if (status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS);
  return { status, headers, body };
}

let dateSecond = 0;
let dateText = '';

/** The value of a Date field (RFC 9110 section 5.6.7): made once a second. */
export function httpDate(now = Date.now()): string {
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(now).toUTCString();
  }
  return dateText;
}

export function emptyAnswer(status: number): Answer {
  return { status, headers: [], body: Buffer.alloc(0) };
}

/** Reason phrases of the statuses that Outrider gives by itself (RFC 9110 section 15). */
const PHRASES: Readonly<Record<number, string>> = {
  101: 'Switching Protocols',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
};

export function reasonPhrase(status: number): string {
  return PHRASES[status] ?? '';
}

/** The bytes of an answer for a connection without a parser: always the last on it. */
export function rawAnswer({ status, headers, body }: Answer): Buffer {
  const all = ['Date', httpDate(), 'Connection', 'close', ...headers];
  return Buffer.concat([rawHead(status, '', all), typeof body === 'string' ? Buffer.from(body, 'latin1') : body]);
}

/** A status line and its fields. `headers` must hold nothing that HTTP forbids. */
export function rawHead(status: number, message: string, headers: readonly string[]): Buffer {
  let head = `HTTP/1.1 ${status} ${message === '' ? reasonPhrase(status) : message}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}

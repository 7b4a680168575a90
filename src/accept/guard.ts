/**
 * What HTTP forbids, decided on the head alone, before anything in it is believed. Pure. Node's parser has refused
 * bytes that are no message at all; what it lets through and an intermediary must not is refused here.
 */
import type { RawHeaders } from '../exchange.ts';
import { FIELD, fieldKind, listTokens } from './field.ts';

/** A request that goes no further, with the status that says why. `kind` is the label of `rejected_total`. */
export interface Refusal {
  readonly status: number;
  readonly kind: string;
  readonly detail: string;
  /** Of the answer, beside those that every refusal has: name, value … */
  readonly headers?: readonly string[];
}

export type Framing = 'none' | 'length' | 'chunked';

/** What the head says about itself once it has passed. */
export interface InspectedHead {
  readonly uri: string;
  readonly authority: string;
  readonly framing: Framing;
  /** Bytes announced; 0 without a Content-Length. */
  readonly contentLength: number;
  readonly expectContinue: boolean;
  /** Of the fields and the target. */
  readonly bytes: number;
}

export interface GuardLimits {
  readonly requestLine: number;
  readonly headerCount: number;
  /** Of all fields together, with their line ends. */
  readonly headerBytes: number;
  /** 0: no limit. */
  readonly body: number;
}

export interface RawRequest {
  readonly method: string;
  /** request-target as it came. */
  readonly target: string;
  readonly httpVersion: string;
  readonly rawHeaders: RawHeaders;
}

const refuse = (status: number, kind: string, detail: string): Refusal => ({ status, kind, detail });

export const isRefusal = (value: Refusal | InspectedHead): value is Refusal => 'status' in value;

/** Up to 65535; it may be empty. */
const PORT = '(?::(?:[0-5]?[0-9]{0,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?';
/** RFC 9112 section 3.2: uri-host [ ":" port ], as far as an intermediary must know it. */
const AUTHORITY = new RegExp(`^(?:\\[[0-9a-fA-F:.]+\\]|(?:[\\w\\-.~!$&'()*+,;=]|%[0-9a-fA-F]{2})+)${PORT}$`);
/** Once decoded it would be another authority, or none. */
const NEVER_ENCODED = /[\0-\x20\x7f/?#@:[\]\\]/;

/** Whether it may stand in a Host field; an empty one may (RFC 9112 section 3.2). */
export const isAuthority = (value: string): boolean => value === '' || isPlace(value);

/** The last that was one: a caller names the same place with each request. */
let lastPlace: string | null = null;

function isPlace(value: string): boolean {
  if (value === lastPlace) return true;
  if (!looksLikePlace(value)) return false;
  lastPlace = value;
  return true;
}

function looksLikePlace(value: string): boolean {
  if (!AUTHORITY.test(value)) return false;
  if (value.startsWith('[')) return URL.canParse(`http://${value}`);
  return !value.includes('%') || isDecodable(value);
}

function isDecodable(value: string): boolean {
  try {
    return !NEVER_ENCODED.test(decodeURIComponent(value.replace(/:[0-9]*$/, '')));
  } catch {
    return false;
  }
}

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;
/** VCHAR without "#" (a fragment is never sent, RFC 9110 section 7.1). */
const ORIGIN_FORM = /^\/[!-"$-~]*$/;
/**
 * Fields for everybody on the way or at its end: whoever names one in Connection wants it removed behind somebody's back
 * (RFC 9110 section 7.6.1).
 */
const NOT_HOP_BY_HOP = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'origin',
  'range',
  'transfer-encoding',
  'via',
]);

/**
 * Node's parser reads `RTSP/1.0` as it reads `HTTP/1.0` and doesn't tell. With these methods it can be nothing else,
 * for in HTTP it refuses them.
 */
const RTSP_METHODS = new Set([
  'ANNOUNCE',
  'DESCRIBE',
  'FLUSH',
  'GET_PARAMETER',
  'PAUSE',
  'PLAY',
  'RECORD',
  'REDIRECT',
  'SETUP',
  'SET_PARAMETER',
  'TEARDOWN',
]);

/** Fields that frame, route or authenticate: nobody may learn of them after the body (RFC 9110 section 6.5.1). */
const NEVER_TRAILING = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'host',
  'proxy-authorization',
  'transfer-encoding',
]);

/** Checks the fields behind a request's body. Others than these are dropped: none is forwarded. */
export function inspectTrailers(rawTrailers: RawHeaders): Refusal | null {
  for (let i = 0; i < rawTrailers.length; i += 2) {
    const name = (rawTrailers[i] ?? '').toLowerCase();
    if (NEVER_TRAILING.has(name)) return refuse(400, 'framing', `The trailer section holds ${name}.`);
  }
  return null;
}

/** Checks a request's head. Never throws. */
export function inspectHead(request: RawRequest, limits: GuardLimits): Refusal | InspectedHead {
  const { method, target, httpVersion, rawHeaders } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return refuse(505, 'version', `HTTP/${httpVersion} is not spoken here; use HTTP/1.1.`);
  }
  if (RTSP_METHODS.has(method)) return refuse(505, 'version', 'RTSP is not spoken here; use HTTP/1.1.');
  if (method.length + target.length + 10 > limits.requestLine) {
    return refuse(414, 'requestLine', `The request line is longer than ${limits.requestLine} bytes.`);
  }
  if (rawHeaders.length > limits.headerCount * 2) {
    return refuse(431, 'headerCount', `More than ${limits.headerCount} header fields.`);
  }
  if (method === 'CONNECT') return refuse(501, 'connect', 'CONNECT is not offered; send the request to a listener.');
  const fields = inspectFields(rawHeaders, httpVersion, limits.headerBytes);
  if ('status' in fields) return fields;
  // It is sent on, and section 9.3.8 of RFC 9110 lets nobody send one with content.
  if (method === 'TRACE' && (fields.framing === 'chunked' || fields.contentLength > 0)) {
    return refuse(400, 'framing', 'TRACE has no content (RFC 9110 section 9.3.8).');
  }
  if (limits.body > 0 && fields.contentLength > limits.body) {
    return refuse(413, 'body', `The body is larger than ${limits.body} bytes.`);
  }
  const place = inspectTarget(method, target, fields.host);
  if ('status' in place) return place;
  const { framing, contentLength, expectContinue } = fields;
  const bytes = fields.bytes + target.length;
  return { uri: place.uri, authority: place.authority, framing, contentLength, expectContinue, bytes };
}

interface Fields {
  host: string | null;
  framing: Framing;
  contentLength: number;
  expectContinue: boolean;
  bytes: number;
}

/** ": " and the end of the line. */
const FIELD_OVERHEAD = 4;

function inspectFields(rawHeaders: RawHeaders, httpVersion: string, maxBytes: number): Refusal | Fields {
  const fields: Fields = { host: null, framing: 'none', contentLength: 0, expectContinue: false, bytes: 0 };
  let bytes = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    bytes += name.length + value.length + FIELD_OVERHEAD;
    const kind = fieldKind(name);
    if (kind === FIELD.other) continue;
    const refusal = inspectField(kind, value, fields, httpVersion);
    if (refusal !== null) return refusal;
  }
  fields.bytes = bytes;
  if (bytes > maxBytes) return refuse(431, 'headerBytes', `The header fields are larger than ${maxBytes} bytes.`);
  if (fields.host === null && httpVersion === '1.1') {
    return refuse(400, 'host', 'A request of HTTP/1.1 needs a Host field (RFC 9112 section 3.2).');
  }
  return fields;
}

function inspectField(kind: number, value: string, fields: Fields, httpVersion: string): Refusal | null {
  switch (kind) {
    case FIELD.host:
      if (fields.host !== null) return refuse(400, 'host', 'More than one Host field.');
      if (!isAuthority(value)) return refuse(400, 'host', 'The Host field is not a host.');
      fields.host = value;
      return null;
    case FIELD.contentLength:
      return inspectContentLength(value, fields);
    case FIELD.transferEncoding:
      return inspectTransferEncoding(value, fields, httpVersion);
    case FIELD.connection:
      return inspectConnection(value);
    case FIELD.expect:
      if (value.toLowerCase() !== '100-continue') return refuse(417, 'expect', 'Only 100-continue can be expected.');
      fields.expectContinue = httpVersion === '1.1';
      return null;
    default:
      return null;
  }
}

function inspectContentLength(value: string, fields: Fields): Refusal | null {
  if (fields.framing !== 'none') return refuse(400, 'framing', 'The body is framed twice (RFC 9112 section 6.3).');
  if (!/^[0-9]{1,15}$/.test(value)) return refuse(400, 'framing', 'Content-Length is not a number of bytes.');
  fields.framing = 'length';
  fields.contentLength = Number(value);
  return null;
}

/** Exactly `chunked`: every other coding is one that two parsers may read differently (RFC 9112 section 6.1). */
function inspectTransferEncoding(value: string, fields: Fields, httpVersion: string): Refusal | null {
  if (fields.framing !== 'none') return refuse(400, 'framing', 'The body is framed twice (RFC 9112 section 6.3).');
  if (httpVersion === '1.0') return refuse(400, 'framing', 'HTTP/1.0 has no Transfer-Encoding.');
  if (value.toLowerCase() !== 'chunked') return refuse(501, 'coding', 'The only transfer coding spoken is chunked.');
  fields.framing = 'chunked';
  return null;
}

function inspectConnection(value: string): Refusal | null {
  for (const token of listTokens(value)) {
    if (NOT_HOP_BY_HOP.has(token) || token.startsWith('outrider-'))
      return refuse(400, 'connection', `Connection names ${token}, which is not its own.`);
  }
  return null;
}

function inspectTarget(
  method: string,
  target: string,
  host: string | null,
): Refusal | { uri: string; authority: string } {
  if (ORIGIN_FORM.test(target)) return { uri: target, authority: host ?? '' };
  if (target === '*') {
    return method === 'OPTIONS'
      ? { uri: '*', authority: host ?? '' }
      : refuse(400, 'target', 'Only OPTIONS may ask for "*" (RFC 9112 section 3.2.4).');
  }
  const absolute = ABSOLUTE_FORM.exec(target);
  if (absolute === null) return refuse(400, 'target', 'The request target is neither a path nor an absolute URI.');
  const [, authority = '', rest = ''] = absolute;
  // The last on the way asks the server itself (section 3.2.4), and that is Outrider.
  if (method === 'OPTIONS' && rest === '' && isPlace(authority)) return { uri: '*', authority };
  const uri = rest === '' ? '/' : rest.startsWith('?') ? `/${rest}` : rest;
  if (!isPlace(authority)) return refuse(400, 'target', 'The request target names no valid host.');
  if (!ORIGIN_FORM.test(uri)) return refuse(400, 'target', 'The request target holds forbidden characters.');
  return { uri, authority };
}

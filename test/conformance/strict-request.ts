/**
 * Requests as RFC 9112 says them, to the letter, and nothing else: what a message means when nobody is lenient. It
 * shares no code with Outrider, for it judges both what a client sent and what a target received.
 */

import { isUtf8 } from 'node:buffer';
import { METHODS } from 'node:http';
import { isIPv6 } from 'node:net';

export type Field = readonly [name: string, value: string];

export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly fields: readonly Field[];
  readonly body: Buffer;
}

/** One request at the start of some bytes. */
export type One =
  | { readonly kind: 'complete'; readonly request: StrictRequest; readonly end: number; readonly isLast: boolean }
  | { readonly kind: 'incomplete'; readonly hasHead: boolean }
  | { readonly kind: 'broken'; readonly hasHead: boolean; readonly why: string };

export interface Reading {
  /** Whole requests, in order. */
  readonly requests: readonly StrictRequest[];
  /** What is after them; `ignored`: behind a request that was the last on its connection. */
  readonly rest: 'nothing' | 'ignored' | 'incomplete' | 'broken';
  /** What is wrong with the first that is broken; empty where none is. */
  readonly why: string;
  /** Heads without fault: those of the whole requests, and the one whose body is broken or not all there. */
  readonly heads: number;
  /** In the order of the requests, the one that is not whole among them. */
  readonly methods: readonly string[];
}

export class Broken extends Error {}

/** A fault behind a head without fault. */
class BrokenBody extends Broken {}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Several spaces may be read as one (9112 section 3), and Node's parser does.
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +([^ ]+) +(?:HTTP|RTSP|ICE)\/1\.([01])$/;
/**
 * Node's parser reads the names of two sister protocols like HTTP's, with these methods, and doesn't tell: such a
 * request is forwarded as HTTP/1.1.
 */
const SISTERS = /^(GET|POST|OPTIONS|SOURCE) [^ ]+ (RTSP|ICE)\//;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOST = /^(?:\[([^\]]+)\]|((?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+))(?::([0-9]*))?$/;
/** Control characters, a space, `/`, `?`, `#`, `@`, `:`, `[`, `\`, `]`. */
const ENCODED_DELIMITER = /%(?:[01].|20|7f|2f|3f|23|40|3a|5[bcd])/i;
const PATH = /^\/[\x21\x22\x24-\x7e]*$/;
const ABSOLUTE = /^https?:\/\/([^/?#]+)([/?].*)?$/i;
const WORD = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const QUOTED = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
/** An extension is to be ignored (9112 7.1.1): where it ends is what counts, and an empty name or value hides nothing. */
const CHUNK_LINE = new RegExp(
  `^(0*[0-9A-Fa-f]{1,13})((?:[ \\t]*;[ \\t]*(?:${WORD})?(?:[ \\t]*=[ \\t]*(?:${WORD})?(?:${QUOTED})?)?)*)$`,
);
const NEVER_TRAILING = ['host', 'content-length', 'transfer-encoding', 'connection', 'authorization', 'cookie'];

/**
 * All requests that the bytes of one connection hold. `lenient`: the heads may have what `tolerate` repairs, and are read
 * as if it had been right.
 */
export function readRequests(bytes: Buffer, lenient = false): Reading {
  const requests: StrictRequest[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const one = readRequest(rest, lenient);
    if (one.kind !== 'complete') {
      const why = one.kind === 'broken' ? one.why : '';
      const heads = requests.length + (one.hasHead ? 1 : 0);
      return { requests, rest: one.kind, why, heads, methods: [...methodsOf(requests), firstWord(rest)] };
    }
    requests.push(one.request);
    rest = rest.subarray(one.end);
    if (one.isLast) return whole(requests, rest.length > 0 ? 'ignored' : 'nothing');
  }
  return whole(requests, 'nothing');
}

function whole(requests: readonly StrictRequest[], rest: 'ignored' | 'nothing'): Reading {
  return { requests, rest, why: '', heads: requests.length, methods: methodsOf(requests) };
}

const methodsOf = (requests: readonly StrictRequest[]): string[] => requests.map(({ method }) => method);

const firstWord = (bytes: Buffer): string => bytes.toString('latin1').trimStart().split(' ', 1)[0] ?? '';

export function readRequest(bytes: Buffer, lenient = false): One {
  try {
    return read(bytes, lenient);
  } catch (error) {
    if (error instanceof Broken) {
      return { kind: 'broken', why: error.message, hasHead: error instanceof BrokenBody };
    }
    throw error;
  }
}

function read(bytes: Buffer, lenient: boolean): One {
  let start = 0;
  // RFC 9112 section 2.2: empty lines before a request line are skipped; Node's parser takes CR and LF alone for some.
  while (bytes[start] === 13 || bytes[start] === 10) start += 1;
  const head = lenient ? lenientHead(bytes, start) : strictHead(bytes, start);
  if (head === null) return { kind: 'incomplete', hasHead: false };
  const [line = '', ...lines] = head.lines;
  const [method, target, version] = requestLine(lenient ? encoded(line) : line);
  const fields = lines.map(fieldOf);
  if (!lenient || valuesOf(fields, 'host').length > 0) checkHost(fields, version);
  checkTarget(method, target);
  const framing = framingOf(fields, version);
  const body = framing === 'chunked' ? chunksOf(bytes, head.end) : lengthOf(bytes, head.end, framing);
  if (body === null) return { kind: 'incomplete', hasHead: true };
  const request: StrictRequest = { method, target, version, fields, body: body.bytes };
  return { kind: 'complete', request, end: body.end, isLast: isLast(request) };
}

interface Head {
  readonly lines: readonly string[];
  readonly end: number;
}

function strictHead(bytes: Buffer, start: number): Head | null {
  const end = bytes.indexOf('\r\n\r\n', start);
  return end < 0 ? null : { lines: bytes.toString('latin1', start, end).split('\r\n'), end: end + 4 };
}

function lenientHead(bytes: Buffer, start: number): Head | null {
  const text = bytes.toString('latin1', start);
  const empty = /\n\r?\n/.exec(text);
  if (empty === null) return null;
  const head = text.slice(0, empty.index + empty[0].length);
  const ends = head.match(/\r?\n/g) ?? [];
  if (new Set(ends).size > 1) throw new Broken('lines that end in different ways (9112 2.2)');
  const end = ends[0] ?? '';
  const lines = head.slice(0, -2 * end.length).split(end);
  const unfolded: string[] = [];
  for (const line of lines) {
    // A fold is a space, but not one that hides a field, and not behind the request line.
    const isFold = /^[ \t]+(?!(?:host|content-length|transfer-encoding|connection)[ \t]*:)/i.test(line);
    if (isFold && unfolded.length > 1) unfolded.push(`${(unfolded.pop() ?? '').trimEnd()} ${line.trimStart()}`);
    else unfolded.push(line);
  }
  return { lines: unfolded, end: start + head.length };
}

/** A line with a raw target, percent-encoded. */
function encoded(line: string): string {
  const match = /^([^ ]+) (\/[\x20-\x7e\x80-\xff]*[^ ]) (HTTP\/1\.[01])$/.exec(line);
  if (match === null) return line;
  const target = (match[2] ?? '').replace(
    /[^\x21-\x7e]/g,
    (byte) => `%${Buffer.from(byte, 'latin1').toString('hex').toUpperCase()}`,
  );
  return `${match[1]} ${target} ${match[3]}`;
}

function requestLine(line: string): [method: string, target: string, version: '1.0' | '1.1'] {
  const match = REQUEST_LINE.exec(line);
  if (match === null) {
    if (/^[^ ]+ [^ ]+ HTTP\/[0-9]\.[0-9]$/.test(line)) throw new Broken('a version other than 1.0 and 1.1 (9112 2.3)');
    throw new Broken('no request line (9112 3)');
  }
  const [, method = '', target = '', minor] = match;
  if (/ (RTSP|ICE)\/1\.[01]$/.test(line) && !SISTERS.test(line))
    throw new Broken('a protocol other than HTTP (9112 2.3)');
  if (!METHODS.includes(method)) throw new Broken('a method that is not registered (9110 9.1)');
  return [method, target, minor === '0' ? '1.0' : '1.1'];
}

export function fieldOf(line: string): Field {
  if (/^[ \t]/.test(line)) throw new Broken('a folded field line (9112 5.2)');
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!TOKEN.test(name)) throw new Broken('no field name (9112 5.1)');
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
  if (!VALUE.test(value)) throw new Broken('a forbidden byte in a field value (9110 5.5)');
  return [name, value];
}

function trailerOf(line: string): Field {
  try {
    return fieldOf(line);
  } catch (error) {
    throw new BrokenBody(String(error));
  }
}

/** Values of all lines with this name. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}

function isHost(value: string): boolean {
  const [match, literal, name = '', port = ''] = HOST.exec(value) ?? [];
  if (match === undefined || Number(port) > 65_535) return false;
  if (literal !== undefined) return isIPv6(literal);
  const bytes = name.replace(/%(..)/g, (_, byte) => String.fromCharCode(Number.parseInt(byte, 16)));
  return !ENCODED_DELIMITER.test(name) && isUtf8(Buffer.from(bytes, 'latin1'));
}

function checkHost(fields: readonly Field[], version: string): void {
  const hosts = valuesOf(fields, 'host');
  if (hosts.length === 0 && version === '1.1') throw new Broken('no Host (9112 3.2)');
  if (hosts.length > 1) throw new Broken('more than one Host (9112 3.2)');
  if (hosts.some((host) => host !== '' && !isHost(host))) throw new Broken('an invalid Host (9112 3.2)');
}

function checkTarget(method: string, target: string): void {
  if (method === 'CONNECT' ? isHost(target) : PATH.test(target) || (target === '*' && method === 'OPTIONS')) return;
  const absolute = ABSOLUTE.exec(target);
  if (target.includes('#')) throw new Broken('a fragment in the target (9112 3.2, 9110 4.2.5)');
  if (absolute?.[1]?.includes('@') === true) throw new Broken('user information in the target (9110 4.2.4)');
  const path = absolute?.[2] ?? '/';
  if (absolute !== null && isHost(absolute[1] ?? '') && PATH.test(path.replace(/^\?/, '/?'))) return;
  if (/[^\x21-\x7e]/.test(target)) throw new Broken('a forbidden byte in the target (9112 3.2)');
  throw new Broken('an invalid form of the target (9112 3.2)');
}

function framingOf(fields: readonly Field[], version: string): number | 'chunked' {
  const lengths = valuesOf(fields, 'content-length');
  const codings = valuesOf(fields, 'transfer-encoding');
  if (codings.length > 0 && lengths.length > 0) throw new Broken('Content-Length beside Transfer-Encoding (9112 6.1)');
  if (codings.length > 0 && version === '1.0') throw new Broken('Transfer-Encoding in HTTP/1.0 (9112 6.1)');
  if (codings.length > 1 || codings.some((coding) => coding.toLowerCase() !== 'chunked')) {
    throw new Broken('a coding other than exactly chunked (9112 6.1)');
  }
  if (codings.length === 1) return 'chunked';
  if (lengths.length > 1) throw new Broken('more than one Content-Length (9112 6.3)');
  if (lengths.some((length) => !/^[0-9]{1,15}$/.test(length))) throw new Broken('an invalid Content-Length (9110 8.6)');
  return Number(lengths[0] ?? 0);
}

export interface Body {
  readonly bytes: Buffer;
  readonly end: number;
}

function lengthOf(bytes: Buffer, from: number, length: number): Body | null {
  return bytes.length < from + length ? null : { bytes: bytes.subarray(from, from + length), end: from + length };
}

export function chunksOf(bytes: Buffer, from: number): Body | null {
  const chunks: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const match = CHUNK_LINE.exec(bytes.toString('latin1', at, lineEnd));
    if (match === null) throw new BrokenBody('no chunk size and extensions (9112 7.1)');
    const size = Number.parseInt(match[1] ?? '', 16);
    at = lineEnd + 2;
    if (size === 0) return trailersOf(bytes, at, Buffer.concat(chunks));
    const end = at + size;
    if (bytes.length >= end + 2 && bytes.toString('latin1', end, end + 2) !== '\r\n') {
      throw new BrokenBody('no line end after a chunk (9112 7.1)');
    }
    if (bytes.length < end + 2) return null;
    chunks.push(bytes.subarray(at, end));
    at = end + 2;
  }
}

function trailersOf(bytes: Buffer, from: number, body: Buffer): Body | null {
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    if (lineEnd === at) return { bytes: body, end: at + 2 };
    const [name] = trailerOf(bytes.toString('latin1', at, lineEnd));
    if (NEVER_TRAILING.includes(name.toLowerCase()))
      throw new BrokenBody('a trailer that frames or routes (9110 6.5.1)');
    at = lineEnd + 2;
  }
}

function isLast({ method, version, fields }: StrictRequest): boolean {
  const options = valuesOf(fields, 'connection')
    .join(',')
    .toLowerCase()
    .split(/[ ,\t]+/);
  if (method === 'CONNECT' || options.includes('close')) return true;
  if (version === '1.0') return !options.includes('keep-alive');
  // What follows a request to upgrade belongs to the other protocol, or to nobody; not where that is ignored (9110 7.8).
  const protocols = valuesOf(fields, 'upgrade').join(',').toLowerCase();
  return options.includes('upgrade') && protocols !== '' && !/(^|,)[ \t]*(h2c?|http|tls)[ \t]*(\/|,|$)/.test(protocols);
}

import type { RequestHead } from '../../exchange.ts';
import { UsageError } from './usage-error.ts';

/** A request as a person writes it, in curl's words. */
export interface WrittenRequest {
  /** Path and query, or an absolute http or https URL. */
  readonly url: string;
  readonly method: string;
  /** `name: value`, or `name;` for an empty value. */
  readonly fields: readonly string[];
  readonly listener: string;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The head that such a request would have on the wire. Text is UTF-8 there, so its bytes are what is matched.
 *
 * @throws UsageError when HTTP has no such request (RFC 9110 sections 5.6.2 and 5.5, RFC 9112 section 3.2)
 */
export function headFromWords({ url, method, fields, listener }: WrittenRequest): RequestHead {
  if (!TOKEN.test(method)) throw new UsageError(`${JSON.stringify(method)} is no method`);
  const { scheme, authority, uri } = splitUrl(url);
  const rawHeaders = fields.flatMap(splitField);
  const host = hostOf(rawHeaders);
  return {
    listener,
    method,
    uri,
    rawHeaders: host === undefined ? ['Host', authority, ...rawHeaders] : rawHeaders,
    // An absolute URL says more than the Host field (RFC 9112 section 3.2.2).
    authority: url.startsWith('/') ? (host ?? authority) : authority,
    scheme,
    httpVersion: '1.1',
    remoteAddress: '127.0.0.1',
  };
}

function splitUrl(url: string): Pick<RequestHead, 'scheme' | 'authority' | 'uri'> {
  const absolute = /^(https?):\/\/([^/?#]+)([^#]*)/i.exec(url);
  const uri = absolute === null ? url : (absolute[3] ?? '');
  if (absolute === null && url !== '*' && !url.startsWith('/')) {
    throw new UsageError(`${JSON.stringify(url)} is neither a path (/api/x) nor an http URL`);
  }
  if (/[^\x21-\x7e]/.test(uri))
    throw new UsageError(`${JSON.stringify(url)}: percent-encode what is not printable ASCII`);
  const scheme = absolute?.[1]?.toLowerCase() === 'https' ? 'https' : 'http';
  return { scheme, authority: absolute?.[2] ?? 'localhost', uri: uri === '' || uri.startsWith('?') ? `/${uri}` : uri };
}

function splitField(field: string): [string, string] {
  const [, name = '', value = ''] = /^([^:;]+)(?:;|:[ \t]*(.*?)[ \t]*)$/s.exec(field) ?? [];
  if (!TOKEN.test(name)) throw new UsageError(`-H ${JSON.stringify(field)}: give 'name: value'`);
  const bytes = Buffer.from(value, 'utf8').toString('latin1');
  if (hasControl(bytes))
    throw new UsageError(`-H ${JSON.stringify(field)}: HTTP forbids control characters in a value`);
  return [name, bytes];
}

/** Only a tab may stand among printable characters. */
function hasControl(text: string): boolean {
  return Array.from(text).some((char) => (char < ' ' && char !== '\t') || char === '\x7f');
}

function hostOf(rawHeaders: readonly string[]): string | undefined {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  return at < 0 ? undefined : rawHeaders[at + 1];
}

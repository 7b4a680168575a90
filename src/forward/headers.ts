/**
 * The only place where hop-by-hop fields go and forwarding fields come (RFC 9110 sections 7.6.1 and 7.6.3). What a
 * rule or target patches is applied afterwards, so that nothing a caller nominates in Connection can remove it.
 */
import { FIELD, fieldKind, listTokens } from '../accept/field.ts';
import type { RawHeaders, RequestHead } from '../exchange.ts';
import { nextMaxForwards } from './max-forwards.ts';

export interface ForwardingPolicy {
  /**
   * Our name in Via, unlike that of any other process: how a loop is seen. Each listener has its own: an application
   * that is called through one and calls through another may pass on the Via it got, and that is no loop.
   */
  readonly pseudonymOf: (listener: string) => string;
  readonly forwarded: 'append' | 'replace' | 'none';
}

/**
 * The fields of a request as they go to a target, without `Host` and before patches.
 * Returns null for a loop: the request has been here before.
 */
export function requestHeaders(head: RequestHead, policy: ForwardingPolicy): string[] | null {
  const { rawHeaders } = head;
  const pseudonym = policy.pseudonymOf(head.listener);
  const named = nominated(rawHeaders);
  const headers: string[] = [];
  let via = '';
  let forwardedFor = '';
  let forwarded = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    switch (fieldKind(name)) {
      case FIELD.host:
      case FIELD.connection:
      case FIELD.hopByHop:
      case FIELD.transferEncoding:
      case FIELD.upgrade:
      case FIELD.expect:
      case FIELD.outrider:
      // Section 10.1.4 lets nobody send it without `Connection: TE`, which the client library doesn't write.
      case FIELD.te:
        continue;
      case FIELD.via:
        if (value.includes(pseudonym)) return null;
        via = via === '' ? value : `${via}, ${value}`;
        continue;
      case FIELD.maxForwards:
        if (named?.has('max-forwards') !== true) headers.push(name, nextMaxForwards(head.method, value));
        continue;
      case FIELD.forwardedFor:
        if (policy.forwarded !== 'append' || named?.has('x-forwarded-for') === true) break;
        forwardedFor = forwardedFor === '' ? value : `${forwardedFor}, ${value}`;
        continue;
      case FIELD.forwarded:
        if (policy.forwarded !== 'append') break;
        forwarded = forwarded === '' ? value : `${forwarded}, ${value}`;
        continue;
      default:
    }
    if (named === null || !named.has(name.toLowerCase())) headers.push(name, value);
  }
  const hop = `${head.httpVersion} ${pseudonym}`;
  headers.push('Via', via === '' ? hop : `${via}, ${hop}`);
  addForwarded(headers, head, policy.forwarded, forwardedFor);
  if (forwarded !== '') headers.push('Forwarded', `${forwarded}, ${forwardedElement(head)}`);
  return headers;
}

/**
 * RFC 7239 section 4. Only where a caller sent the field itself: who is behind and believes it must find this hop as
 * its last one, and not what the caller wrote.
 */
function forwardedElement({ remoteAddress, scheme, authority }: RequestHead): string {
  const node = remoteAddress.includes(':') ? `"[${remoteAddress}]"` : remoteAddress;
  return `for=${node};proto=${scheme}${authority === '' ? '' : `;host="${authority}"`}`;
}

function addForwarded(
  headers: string[],
  head: RequestHead,
  policy: ForwardingPolicy['forwarded'],
  earlier: string,
): void {
  if (policy === 'none') return;
  const replace = policy === 'replace';
  if (replace) removeForwarded(headers);
  headers.push('X-Forwarded-For', replace || earlier === '' ? head.remoteAddress : `${earlier}, ${head.remoteAddress}`);
  if (replace || !hasKind(headers, FIELD.forwardedProto)) headers.push('X-Forwarded-Proto', head.scheme);
  if (head.authority !== '' && (replace || !hasKind(headers, FIELD.forwardedHost))) {
    headers.push('X-Forwarded-Host', head.authority);
  }
}

function removeForwarded(headers: string[]): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    const kind = fieldKind(headers[i] ?? '');
    if (kind >= FIELD.forwardedFor && kind <= FIELD.forwarded) headers.splice(i, 2);
  }
}

function hasKind(headers: readonly string[], kind: number): boolean {
  for (let i = 0; i < headers.length; i += 2) if (fieldKind(headers[i] ?? '') === kind) return true;
  return false;
}

/** Names listed in Connection, other than its own options; null when there are none. */
function nominated(rawHeaders: RawHeaders): Set<string> | null {
  let names: Set<string> | null = null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (fieldKind(rawHeaders[i] ?? '') !== FIELD.connection) continue;
    const value = rawHeaders[i + 1] ?? '';
    if (value === 'keep-alive' || value === 'close' || value === 'Keep-Alive') continue;
    for (const token of listTokens(value)) {
      if (token === 'close' || token === 'keep-alive') continue;
      names ??= new Set();
      names.add(token);
    }
  }
  return names;
}

/**
 * The fields of a target's answer as they go to the caller, before patches. The target's framing is not repeated:
 * Content-Length is kept (it describes the same bytes), Transfer-Encoding is chosen anew. Throws RangeError for a
 * transfer coding that nobody here can take off, or that was applied twice (RFC 9112 section 6.1).
 */
export function responseHeaders(rawHeaders: RawHeaders): string[] {
  const named = nominated(rawHeaders);
  const headers: string[] = [];
  let coded = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    switch (fieldKind(name)) {
      case FIELD.transferEncoding:
        if (coded || (rawHeaders[i + 1] ?? '').toLowerCase() !== 'chunked')
          throw new RangeError('its coding is not chunked');
        coded = true;
        continue;
      case FIELD.connection:
      case FIELD.hopByHop:
      case FIELD.upgrade:
      case FIELD.te:
      case FIELD.outrider:
        continue;
      default:
        if (named === null || !named.has(name.toLowerCase())) headers.push(name, rawHeaders[i + 1] ?? '');
    }
  }
  return headers;
}

/** Those of an informational answer, which has no content to tell the length of (RFC 9110 section 8.6). */
export function informationalHeaders(rawHeaders: RawHeaders): string[] {
  return withoutLength(responseHeaders(rawHeaders));
}

export function withoutLength(headers: string[]): string[] {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (fieldKind(headers[i] ?? '') === FIELD.contentLength) headers.splice(i, 2);
  }
  return headers;
}

/** Fields of a trailer section that may be relayed: none that frame, route or authenticate (RFC 9110 section 6.5.1). */
export function trailerFields(rawTrailers: RawHeaders): string[] {
  const trailers: string[] = [];
  for (let i = 0; i < rawTrailers.length; i += 2) {
    const name = rawTrailers[i] ?? '';
    if (fieldKind(name) === FIELD.other && !NEVER_TRAILING.has(name.toLowerCase())) {
      trailers.push(name, rawTrailers[i + 1] ?? '');
    }
  }
  return trailers;
}

const NEVER_TRAILING = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'location',
  'retry-after',
  'set-cookie',
  'www-authenticate',
]);

/** Which requests to upgrade become tunnels. */
import type { IncomingMessage } from 'node:http';
import { listTokens } from './field.ts';
import type { InspectedHead, Refusal } from './guard.ts';

/**
 * Other versions of HTTP, and TLS, are not tunnelled past the rules: RFC 9110 section 7.8 allows to ignore that. Clients
 * that would like HTTP/2 ask so with every first request, uploads among them (Java's does). Node doesn't tell of a fault
 * in the body of such a one: nothing more of it comes, and `limits.bodyIdle` ends it.
 */
const NO_TUNNEL = /^(?:h2c?|http|tls)(?:\/|$)/;

/** Those that Node's parser stopped at, for that is what it does with all that follows a request to upgrade. */
const asked = new WeakSet<IncomingMessage>();

/** Node calls it for each request to upgrade, as its parser sees them, and for no other. */
export function wantsTunnel(request: IncomingMessage): boolean {
  asked.add(request);
  const protocols = listTokens(request.headers.upgrade ?? '');
  if (request.httpVersion !== '1.1' || protocols.length === 0) return false;
  return !protocols.some((protocol) => NO_TUNNEL.test(protocol));
}

/** By a mark: the fields are a list until somebody asks for one by its name, and then an object is made of them. */
export const asksToUpgrade = (request: IncomingMessage): boolean => asked.has(request);

/** `GET / HTTP/1.1` without the method and the target, and the two line ends of a head. */
const AROUND_BYTES = 14;
/** ": " and the end of the line. */
const AROUND_FIELD_BYTES = 4;

/**
 * A request to upgrade that was served as a plain one: Node's parser has dropped what came behind it in the same
 * segment, and would read what comes next as if that had not been. False where it is certain that nothing did: it is
 * the first on its connection, written as everybody writes it, and all that was read is its own.
 */
export function mayHideBytes(request: IncomingMessage): boolean {
  if (!asksToUpgrade(request)) return false;
  const { headers, method = '', url = '', rawHeaders, socket } = request;
  if (headers['transfer-encoding'] !== undefined) return true;
  const fields = rawHeaders.reduce((sum, { length }) => sum + length, (rawHeaders.length / 2) * AROUND_FIELD_BYTES);
  const own = method.length + url.length + AROUND_BYTES + fields + Number(headers['content-length'] ?? 0);
  return socket.bytesRead !== own;
}

/** `isBehind`: requests before it on its connection wait for their answers. */
export function upgradeProblem({ framing, contentLength }: InspectedHead, isBehind: boolean): Refusal | null {
  if (framing === 'chunked' || contentLength > 0) {
    return { status: 400, kind: 'upgradeBody', detail: 'A request to upgrade carries no body here.' };
  }
  if (!isBehind) return null;
  return { status: 400, kind: 'upgradeBehind', detail: 'A request to upgrade waits for the answers before it here.' };
}

/** Which requests to upgrade become tunnels. */
import type { IncomingMessage } from 'node:http';
import { listTokens } from './field.ts';
import type { InspectedHead, Refusal } from './guard.ts';

/** Other versions of HTTP, and TLS, are not tunnelled past the rules: RFC 9110 section 7.8 allows to ignore that. */
const NO_TUNNEL = /^(?:h2c?|http|tls)(?:\/|$)/;

export function wantsTunnel({ headers, httpVersion }: IncomingMessage): boolean {
  const protocols = listTokens(headers.upgrade ?? '');
  if (httpVersion !== '1.1' || protocols.length === 0) return false;
  // With a body it is refused, whatever the protocol: Node doesn't tell of faults in bodies behind Upgrade.
  const hasBody = headers['transfer-encoding'] !== undefined || /[^0]/.test(headers['content-length'] ?? '0');
  return hasBody || !protocols.some((protocol) => NO_TUNNEL.test(protocol));
}

/** `isBehind`: requests before it on its connection wait for their answers. */
export function upgradeProblem({ framing, contentLength }: InspectedHead, isBehind: boolean): Refusal | null {
  if (framing === 'chunked' || contentLength > 0) {
    return { status: 400, kind: 'upgradeBody', detail: 'A request to upgrade carries no body here.' };
  }
  if (!isBehind) return null;
  return { status: 400, kind: 'upgradeBehind', detail: 'A request to upgrade waits for the answers before it here.' };
}

/** Why Outrider refuses what others accept: each with its source. */
import type { RequestResult } from './request-run.ts';

/** Of a request that the corpus wants accepted and Outrider refuses; null: there is none, which is a fault. */
export function reasonToRefuse({ reading, statuses }: RequestResult): string | null {
  if (reading.requests.length === 0) return reading.rest === 'incomplete' ? 'not all of it came (9112 8)' : reading.why;
  const [first] = reading.requests;
  if (first?.method === 'CONNECT' && statuses[0] === 501) return 'CONNECT is not offered (9110 9.3.6)';
  const upgrades = first?.fields.some(([name]) => name.toLowerCase() === 'upgrade') === true;
  if (upgrades && statuses[0] === 400) return 'an upgrade with a body is not offered (9110 7.8)';
  // RFC 9112 section 7.1.1 allows white space there, and asks to remove it; Node's parser refuses the message.
  if (first?.target === '/chunked_w_extensions') return 'white space in chunk extensions (9112 7.1.1)';
  return null;
}

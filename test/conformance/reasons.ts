/** Why Outrider refuses what others accept, and where it can't be as strict as the letter: each with its source. */
import type { AnswerResult } from './answer-run.ts';
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

/** Of an answer that a strict reader can read and Outrider makes a 502 of; null: there is none. */
export function reasonToFail({ id }: AnswerResult): string | null {
  // undici ends the connection on it. Relaying it means to filter it before undici sees it.
  if (id === 'llhttp-response-connection-L589') return '100 Continue that nobody asked for (9110 15.2.1)';
  return null;
}

/** What undici's parser reads although the letter forbids it; Outrider writes a head of its own in any case. */
export function reasonToRelay({ id }: AnswerResult): string | null {
  if (id === 'llhttp-response-invalid-L179') return 'two bare CR read as the end of the status line (9112 2.2)';
  return null;
}

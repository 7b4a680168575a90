/** What a target may answer to a request that asks for another protocol (RFC 9110 section 7.8). Pure. */
import { listTokens } from '../accept/field.ts';
import { informationalHeaders } from './headers.ts';

/** An answer, as far as this goes. */
export interface UpgradeAnswer {
  readonly statusCode?: number | undefined;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, unknown>> & { readonly upgrade?: string | undefined };
  readonly rawHeaders: readonly string[];
}

/** Why a switch is none; '' when it is one. A server must not switch to what was not offered. */
export function switchProblem({ headers }: UpgradeAnswer, offered: string): string {
  const chosen = (headers.upgrade ?? '').toLowerCase();
  if (!listTokens(offered).includes(chosen)) return 'the target switched to a protocol that was not offered';
  if (headers['transfer-encoding'] !== undefined) return 'the target framed its 101 as a body';
  return '';
}

/** Why an answer that is no switch can't be relayed; '' when it can. As answer-start.ts has it for other requests. */
export function refusalProblem({ statusCode = 0, httpVersion }: UpgradeAnswer): string {
  if (statusCode === 101) return 'the target switched to no protocol';
  const isKnown = statusCode >= 200 && statusCode <= 599 && (httpVersion === '1.1' || httpVersion === '1.0');
  return isKnown ? '' : 'the target’s answer is not HTTP/1.1 (INVALID_STATUS_LINE)';
}

/** `Connection` and `Upgrade` are this connection's own and are written anew. */
export function switchHeaders({ headers, rawHeaders }: UpgradeAnswer): string[] {
  return [...informationalHeaders(rawHeaders), 'Connection', 'Upgrade', 'Upgrade', headers.upgrade ?? ''];
}

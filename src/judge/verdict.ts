/** The verdict on an exchange: a factory for each kind, nothing else makes one. */
import type { Reason, Verdict } from '../exchange.ts';

const DELIVERED: Verdict = { kind: 'delivered' };
const ABANDONED: Verdict = { kind: 'abandoned' };

export const delivered = (): Verdict => DELIVERED;
export const abandoned = (): Verdict => ABANDONED;
export const failed = (reason: Reason, status: number | null, message: string): Verdict => ({
  kind: 'failed',
  reason,
  status,
  message,
});

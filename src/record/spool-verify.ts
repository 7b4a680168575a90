/** Whether the ledger tells the truth: the rows counted anew, and the second count beside the database. */
import type { Ledger, StateCounts } from './ledger.ts';
import type { SpoolParts } from './spool-open.ts';

/** The ledger, counted anew, beside the second count. */
export interface Verification extends Ledger {
  /** Captures that the file beside the database knows of; null: it could not be read. */
  readonly secondCount: number | null;
  /** What the ledger said before the rows were counted. */
  readonly claimed: StateCounts;
  readonly agrees: boolean;
}

/** `read`: the ledger as it is told. Corrects the counts that are kept in memory. */
export function verifyLedger({ ledger, count }: SpoolParts, read: () => Ledger): Verification {
  const { states: claimed } = read();
  const { captured } = ledger;
  ledger.recount();
  const counted = read();
  const secondCount = count.reread()?.captured ?? null;
  const isSame = Object.entries(counted.states).every(([state, records]) => Reflect.get(claimed, state) === records);
  return { ...counted, claimed, secondCount, agrees: counted.difference === 0 && isSame && secondCount === captured };
}

/** The ledger: every record that was ever captured stands in exactly one state, also when it is gone by now. */
import type { State } from './states.ts';

export type StateCounts = Readonly<Record<State, number>>;

export interface Ledger {
  readonly captured: number;
  /** Records in each state: those that lie in the spool, and those that left it in that state. */
  readonly states: StateCounts;
  /** Captured less the sum of the states: anything but 0 is a loss or an invention. */
  readonly difference: number;
}

/** Why a capture was given up on purpose: `capture.rate`, `spool.maxAge`, `spool.whenFull: dropOldest`. */
export type Loss = 'rate' | 'maxAge' | 'dropOldest';
export type LossCounts = Readonly<Record<Loss, number>>;
export const LOSSES: readonly Loss[] = ['rate', 'maxAge', 'dropOldest'];

// A record keyed by the union type: a state that is forgotten here does not compile.
const NONE: StateCounts = {
  pending: 0,
  delivering: 0,
  waiting: 0,
  delivered: 0,
  dead: 0,
  held: 0,
  handedOver: 0,
  purged: 0,
  lost: 0,
  quarantined: 0,
};

export const isKnownState = (text: string): text is State => Object.hasOwn(NONE, text);

/** null: not a state of this version. */
export const stateFrom = (text: string): State | null => (isKnownState(text) ? text : null);

/**
 * `counts`: pairs of a state and how many records are in it, or left in it. A state that this version does not know is
 * in no sum, so that it shows as a difference instead of being guessed at.
 */
export function ledgerOf(captured: number, ...counts: readonly (readonly [state: string, count: number])[]): Ledger {
  const states: Record<State, number> = { ...NONE };
  for (const [state, count] of counts) if (isKnownState(state)) states[state] += count;
  const sum = Object.values(states).reduce((total, count) => total + count, 0);
  return { captured, states, difference: captured - sum };
}

/** One ledger for several databases: each record stands in one of them. */
export function sumOfLedgers(ledgers: readonly Ledger[]): Ledger {
  const captured = ledgers.reduce((sum, ledger) => sum + ledger.captured, 0);
  return ledgerOf(captured, ...ledgers.flatMap(({ states }) => Object.entries(states)));
}

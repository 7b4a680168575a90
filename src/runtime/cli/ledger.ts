import { EXIT_FAILURE } from '../errors.ts';
import { type AdminOptions, getJson } from './admin-client.ts';
import type { CliContext } from './context.ts';
import { formatTable } from './table.ts';
import { CommandFailure } from './usage-error.ts';

type Counts = Readonly<Record<string, number>>;

interface Ledger {
  readonly captured: number;
  readonly states: Counts;
  /** Of those in the state `lost`, by reason. */
  readonly lost?: Counts;
  readonly difference: number;
  /** With `verify`: every row was counted. */
  readonly verified?: {
    /** What the ledger said before. */
    readonly claimed: Counts;
    /** Captures by the file beside the database; null: it can't be read. */
    readonly secondCount: number | null;
    readonly agrees: boolean;
  };
}

/**
 * Captured, each state's count, and the difference, which is 0 unless something is wrong. With `verify` the rows are
 * counted and compared with what the ledger says and with the second count, which lies beside the database.
 *
 * @returns 1 with `verify` when anything does not agree
 * @throws CommandFailure when the API can't be asked
 */
export async function showLedger(
  options: AdminOptions & { readonly json?: boolean; readonly verify?: boolean },
  context: CliContext,
): Promise<number> {
  const ledger = await getJson(options.verify === true ? '/api/ledger?verify=true' : '/api/ledger', options);
  if (!isLedger(ledger)) throw new CommandFailure('the admin API answered something that is no ledger');
  if (options.json === true) context.out(JSON.stringify(ledger, null, 2));
  else for (const line of formatTable(rowsOf(ledger))) context.out(line);
  if (options.verify !== true) return 0;
  const problems = problemsOf(ledger);
  for (const problem of problems) context.err(problem);
  return problems.length > 0 ? EXIT_FAILURE : 0;
}

function rowsOf({ captured, states, lost = {}, difference, verified }: Ledger): string[][] {
  const reasons = Object.entries(lost).filter(([, count]) => count > 0);
  const rows: (readonly [string, number | string])[] = [
    ['captured', captured],
    ...Object.entries(states),
    ...reasons.map(([reason, count]) => [`  lost for ${reason}`, count] as const),
    ['difference', difference],
  ];
  if (verified !== undefined) rows.push(['second count', verified.secondCount ?? 'unreadable']);
  return rows.map((row) => row.map(String));
}

function problemsOf({ captured, states, difference, verified }: Ledger): string[] {
  const problems: string[] = [];
  if (difference !== 0) problems.push(`captured and the sum of all states differ by ${difference}`);
  if (verified === undefined) return [...problems, 'this Outrider does not verify its ledger: it is an older release'];
  for (const [state, count] of Object.entries(verified.claimed)) {
    const found = states[state] ?? 0;
    if (found !== count) problems.push(`the ledger said ${count} ${state}, the rows are ${found}`);
  }
  const { secondCount, agrees } = verified;
  if (secondCount === null) problems.push('the second count, beside the database, can not be read');
  else if (!agrees && problems.length === 0)
    problems.push(`captured is ${captured}, the second count beside the database says ${secondCount}`);
  return problems;
}

function isLedger(value: unknown): value is Ledger {
  if (typeof value !== 'object' || value === null) return false;
  const { captured, states, difference } = value as Partial<Ledger>;
  return (
    typeof captured === 'number' && typeof difference === 'number' && typeof states === 'object' && states !== null
  );
}

import { EXIT_FAILURE } from '../errors.ts';
import { type AdminOptions, getJson } from './admin-client.ts';
import type { CliContext } from './context.ts';
import { formatTable } from './table.ts';
import { CommandFailure } from './usage-error.ts';

interface Ledger {
  readonly captured: number;
  readonly states: Readonly<Record<string, number>>;
  readonly difference: number;
}

/**
 * Captured, each state's count, and the difference, which is 0 unless something is wrong.
 *
 * @returns 1 with `verify` and a difference
 * @throws CommandFailure when the API can't be asked
 */
export async function showLedger(
  options: AdminOptions & { readonly json?: boolean; readonly verify?: boolean },
  context: CliContext,
): Promise<number> {
  const ledger = await getJson('/api/ledger', options);
  if (!isLedger(ledger)) throw new CommandFailure('the admin API answered something that is no ledger');
  const { captured, states, difference } = ledger;
  const rows = [['captured', captured], ...Object.entries(states), ['difference', difference]];
  if (options.json === true) context.out(JSON.stringify(ledger, null, 2));
  else for (const line of formatTable(rows.map((row) => row.map(String)))) context.out(line);
  return options.verify === true && difference !== 0 ? EXIT_FAILURE : 0;
}

function isLedger(value: unknown): value is Ledger {
  if (typeof value !== 'object' || value === null) return false;
  const { captured, states, difference } = value as Partial<Ledger>;
  return (
    typeof captured === 'number' && typeof difference === 'number' && typeof states === 'object' && states !== null
  );
}

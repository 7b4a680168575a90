/** A last line of defence: what a body may cost. Every search is linear, and one that is not must not hold the thread. */

/** Of this thread, for a body of up to 1 MiB; that takes far less. */
export const BUDGET_MS = 250;
/** For each MiB above the first: a slow machine reads some 20 MiB in a second. */
const MS_PER_MIB = 150;
const MIB = 1024 * 1024;
/** Between two looks at the clock. */
const STEPS = 65_536;

/** The work has cost more than it may. */
class OverBudget extends Error {}
/** One for all: nobody reads its stack. */
const OVER_BUDGET = new OverBudget();

/** Of the work at hand: it is never interrupted, so there is one at a time. */
let deadline = Number.POSITIVE_INFINITY;
let steps = 0;

/** null: `work` was given up, as it took more than `budgetMs`, and what `bytes` above 1 MiB add. */
export function withinBudget<T>(bytes: number, budgetMs: number, work: () => T): T | null {
  // What is that small costs nothing.
  if (bytes < STEPS / 16) return work();
  deadline = threadMs() + budgetMs + Math.max(0, bytes / MIB - 1) * MS_PER_MIB;
  steps = 0;
  try {
    return work();
  } catch (error) {
    if (error === OVER_BUDGET) return null;
    throw error;
  } finally {
    deadline = Number.POSITIVE_INFINITY;
  }
}

/** Told before or within each search, by the characters that it goes over. */
export function spend(characters: number): void {
  steps += characters + 1;
  if (steps < STEPS) return;
  steps = 0;
  if (deadline !== Number.POSITIVE_INFINITY && threadMs() > deadline) throw OVER_BUDGET;
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * npm run test:museum: builds that are broken in one line each, and the tests that must catch them. First the tests
 * run unbroken: one that fails anyway catches nothing.
 */
import { parseArgs } from 'node:util';
import { SABOTAGES } from './collection.ts';
import { type JestRun, runJest, stopAllRuns } from './jest.ts';
import { mistakeIn, type Sabotage, type Test } from './sabotage.ts';
import { ROOT, Tree } from './tree.ts';

const USAGE = `npm run test:museum -- [options]

  --only TEXT   only broken builds with this text in their names
  --jobs N      runs at a time (2)
  --verbose     what the tests said, of each
`;

interface Result {
  readonly name: string;
  readonly caught: boolean;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs `work` for each, so many at a time, each with a copy of its own. */
async function inTrees<T, R>(trees: readonly Tree[], list: readonly T[], work: (tree: Tree, item: T) => Promise<R>) {
  const results: R[] = [];
  const left = [...list];
  const lane = async (tree: Tree): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) results.push(await work(tree, item));
  };
  await Promise.all(trees.map(lane));
  return results;
}

/** Each file once, with the titles that are needed of it. */
function testsOf(sabotages: readonly Sabotage[]): Test[] {
  const titles = new Map<string, Set<string>>();
  for (const { caughtBy } of sabotages) {
    titles.set(caughtBy.file, (titles.get(caughtBy.file) ?? new Set()).add(caughtBy.title));
  }
  return [...titles].map(([file, wanted]) => ({ file, title: [...wanted].map((title) => `(${title})`).join('|') }));
}

async function checkUnbroken(trees: readonly Tree[], tests: readonly Test[]): Promise<boolean> {
  const runs = await inTrees(trees, tests, async (tree, test) => {
    const run = await runJest(tree, test);
    say(`${run.verdict === 'passed' ? 'ok     ' : 'FAILED '} unbroken: ${test.file} (${told(run)})`);
    if (run.verdict !== 'passed') say(run.output);
    return run;
  });
  return runs.every(({ verdict }) => verdict === 'passed');
}

async function show(tree: Tree, sabotage: Sabotage, verbose: boolean): Promise<Result> {
  const run = await tree.with(sabotage, () => runJest(tree, sabotage.caughtBy));
  // A build that hangs until it is ended did not pass either.
  const caught = run.verdict === 'failed' || run.verdict === 'took too long';
  say(`${caught ? 'caught ' : 'MISSED '} ${sabotage.name}: ${sabotage.caughtBy.file} (${told(run)})`);
  if (!caught || verbose) say(run.output);
  return { name: sabotage.name, caught };
}

const told = ({ verdict, seconds }: JestRun): string => `${verdict}, ${seconds.toFixed(1)} s`;

async function main(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = { only: { ...text, default: '' }, jobs: { ...text, default: '2' }, verbose: flag, help: flag };
  const { values } = parseArgs({ args: [...args], options });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const sabotages = SABOTAGES.filter(({ name }) => name.includes(values.only));
  const mistakes = sabotages.map((sabotage) => mistakeIn(sabotage, ROOT)).filter((mistake) => mistake !== '');
  for (const mistake of mistakes) say(`OUT OF DATE ${mistake}`);
  if (mistakes.length > 0) return 1;
  const trees = Array.from({ length: Math.max(1, Number(values.jobs)) }, () => new Tree());
  process.on('exit', () => {
    stopAllRuns();
    for (const tree of trees) tree.remove();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  if (!(await checkUnbroken(trees, testsOf(sabotages)))) return 1;
  const results = await inTrees(trees, sabotages, (tree, sabotage) => show(tree, sabotage, values.verbose));
  const caught = results.filter((result) => result.caught).length;
  for (const { name } of results.filter((result) => !result.caught)) say(`MISSED ${name}`);
  say(`${caught}/${results.length} caught`);
  return caught === results.length && results.length > 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  say(USAGE);
  process.exitCode = 64;
}

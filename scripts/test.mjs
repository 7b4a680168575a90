// npm test: installs what is missing, then every check there is, then `N passed, N failed` as the last line.
// `npm test -- test/dispatch` hands its arguments to jest and leaves the other checks out.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureModules } from './ensure.mjs';
import { nodeBinary, root, runForeground, runQuietly, say } from './project.mjs';
import { ensureTools } from './system.mjs';
import { addCounts, closingLine, countsFromJest } from './tally.mjs';

/** Of this run alone: two may go on at a time. */
const RESULTS = join(root, '.cache', `jest.${process.pid}.json`);

/** What measures time, CPU or memory, or keeps both cores busy for long: one at a time, and no other beside it. */
const ALONE = ['e2e/(large-bodies|mirror-idle|reload|slow-disk)', 'faults/faults'];
const HEAVY = `/test/(${ALONE.join('|')})`;

const CHECKS = [
  { name: 'build', run: () => build() },
  { name: 'types', command: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json', '--pretty', 'false'] },
  { name: 'lint', command: ['node_modules/@biomejs/biome/bin/biome', 'check', '--colors=off', '--max-diagnostics=50'] },
  { name: 'house rules', command: ['scripts/check-source.ts'] },
];

/** A failed check prints all it said; a passed one is a line. */
function runCheck({ name, run, command }) {
  const started = performance.now();
  const problem = run ? thrownBy(run) : outputOfFailure(command);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`${problem === '' ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (problem !== '') say(problem.trimEnd());
  return problem === '' ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

function thrownBy(action) {
  try {
    action();
    return '';
  } catch (error) {
    return error.message;
  }
}

function outputOfFailure(command) {
  const { code, output } = runQuietly(nodeBinary(), command);
  return code === 0 ? '' : output || `exit code ${code}`;
}

async function runJest(args) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(RESULTS, { force: true });
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const report = ['--json', `--outputFile=${RESULTS}`];
  // The JSON goes to the file; jest still writes a notice to stdout, and its report to stderr.
  const stdio = ['ignore', 'ignore', 'inherit'];
  const code = await runForeground(nodeBinary(), [...flags, 'node_modules/jest/bin/jest.js', ...report, ...args], {
    stdio,
  });
  const results = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : undefined;
  rmSync(RESULTS, { force: true });
  return countsFromJest(results, code);
}

/** Three at a time, for most of what they do is to wait; then the heavy ones alone. */
async function runWholeJest() {
  const light = await runJest(['--maxWorkers=3', '--testPathIgnorePatterns', HEAVY, '/node_modules/']);
  return stopped ? light : addCounts([light, await runJest(['--maxWorkers=1', '--testPathPatterns', HEAVY])]);
}

async function main(args) {
  ensureModules();
  ensureTools();
  const counts = args.length > 0 ? [await runJest(args)] : [...CHECKS.map(runCheck), await runWholeJest()];
  return addCounts(counts);
}

/** After a Ctrl-C nothing new is begun. */
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (stopped = true));

try {
  const total = await main(process.argv.slice(2));
  say(closingLine(total));
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
} catch (error) {
  say(error.message);
  say(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
}

/** npm run bench: Outrider against its peers on this machine, as ratios in one run. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Contender, Prepared } from './contender.ts';
import { prepareEnvoy } from './contenders/envoy.ts';
import { prepareGo } from './contenders/go.ts';
import { prepareBare, prepareExpress } from './contenders/node-peers.ts';
import { type OutriderContender, prepareOutrider } from './contenders/outrider.ts';
import { describeMachine, shareCores } from './machine.ts';
import { startNginx } from './nginx.ts';
import { type BenchOptions, type ContenderName, type RowName, readOptions, USAGE } from './options.ts';
import { stopAll, stopAllOnSignals } from './processes.ts';
import { type Facts, renderReport, renderSection, type Section } from './report.ts';
import { measureBulk } from './rows/bulk.ts';
import { measureCaptures } from './rows/captures.ts';
import { measureCapturesWhileDraining, measureDrain } from './rows/drain.ts';
import { measurePosts, measureRequests } from './rows/requests.ts';
import type { Row, RowContext } from './rows/row.ts';
import { measureRules } from './rows/rules.ts';
import { measureStart } from './rows/start.ts';

const ROOT = join(import.meta.dirname, '..');

const ROWS: Readonly<Record<RowName, Row>> = {
  requests: measureRequests,
  posts: measurePosts,
  rules: measureRules,
  start: measureStart,
  bulk: measureBulk,
  captures: measureCaptures,
  drain: measureDrain,
  'captures-while-draining': measureCapturesWhileDraining,
};

const PEERS: Readonly<Record<Exclude<ContenderName, 'outrider'>, (bench: Bench) => Prepared | Promise<Prepared>>> = {
  express: prepareExpress,
  go: prepareGo,
  envoy: prepareEnvoy,
  bare: prepareBare,
};

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Exit code: 0, 1 when a row could not be measured, 64 when the command line or the machine doesn't do. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args, join(import.meta.dirname, 'RESULTS.md'));
  if (options === null) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const bench = openBench();
  const cleanUp = (): void => {
    for (const folder of [bench.folder, bench.frozen]) rmSync(folder, { recursive: true, force: true });
  };
  stopAllOnSignals(cleanUp);
  try {
    return await runBench(bench, options, args);
  } finally {
    await stopAll();
    cleanUp();
  }
}

function openBench(): Bench {
  const cores = shareCores();
  requireTools(['taskset', 'wrk', 'nginx']);
  // This process samples and waits beside the load, never beside what is measured.
  execFileSync('taskset', ['--cpu-list', '--pid', cores.load, String(process.pid)], { stdio: 'ignore' });
  const cache = join(process.env.OUTRIDER_CACHE ?? join(homedir(), '.cache/outrider'), 'bench');
  mkdirSync(cache, { recursive: true });
  return {
    folder: mkdtempSync(join(tmpdir(), 'outrider-bench-')),
    cache,
    root: ROOT,
    frozen: join(ROOT, `dist.bench-${process.pid}`),
    cores,
  };
}

function requireTools(tools: readonly string[]): void {
  const folders = `${process.env.PATH}:/usr/sbin:/sbin`;
  process.env.PATH = folders;
  const missing = tools.filter((tool) => {
    try {
      execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0)
    throw new Error(`${missing.join(', ')} must be on PATH (Debian: apt-get install util-linux wrk nginx)`);
}

async function runBench(bench: Bench, options: BenchOptions, args: readonly string[]): Promise<number> {
  const outrider = options.contenders.includes('outrider') ? prepareOutrider(bench, say) : null;
  const peers = await preparePeers(bench, options.contenders);
  const contenders: Contender[] = [
    ...(outrider === null ? [] : [outrider]),
    ...peers.flatMap((peer) => ('missing' in peer ? [] : [peer])),
  ];
  const missing = peers.flatMap((peer) => ('missing' in peer ? [`${peer.name}: ${peer.missing}`] : []));
  const target = await startNginx(bench.folder, bench.cores.load);
  const sections = await runRows({ bench, options, target, contenders, outrider, say }, missing);
  const report = renderReport(factsOf(contenders, missing, args), sections);
  process.stdout.write(`${report}\n`);
  if (options.out !== '') writeFileSync(options.out, report);
  return sections.length === options.rows.length ? 0 : 1;
}

async function preparePeers(bench: Bench, names: readonly ContenderName[]): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (const name of names) {
    if (name === 'outrider') continue;
    const peer = await PEERS[name](bench);
    if ('missing' in peer) say(`!!! ${name} is left out: ${peer.missing}`);
    prepared.push(peer);
  }
  return prepared;
}

/** A row that fails is told and listed; the others go on. */
async function runRows(context: RowContext, missing: string[]): Promise<Section[]> {
  const sections: Section[] = [];
  for (const name of context.options.rows) {
    say(`${name} …`);
    try {
      const section = await ROWS[name](context);
      if (section === null) throw new Error('it needs Outrider');
      say(`${renderSection(section)}\n`);
      sections.push(section);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(`!!! ${name} could not be measured: ${reason}`);
      missing.push(`row ${name}: ${reason.split('\n')[0]}`);
    }
  }
  return sections;
}

function factsOf(
  contenders: readonly (Contender | OutriderContender)[],
  missing: readonly string[],
  args: readonly string[],
): Facts {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    versions: [...contenders.map(({ title }) => title), versionOf('nginx', ['-v']), versionOf('wrk', ['-v'])],
    missing,
    command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
  };
}

/** First line that a tool says of itself, wherever it says it. */
function versionOf(tool: string, args: readonly string[]): string {
  const shell = `${[tool, ...args].join(' ')} 2>&1 || true`;
  return execFileSync('sh', ['-c', shell]).toString().split('\n')[0]?.trim() ?? tool;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 64;
}

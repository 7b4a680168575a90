/** Outrider with everything it does by default: spool, metrics, admin API. The one place that knows how it is started. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../scripts/build.mjs';
import { closedPort } from '../../test/helpers/ports.ts';
import { type Bench, type Contender, ROUTE, type RunningContender, type StartPlan } from '../contender.ts';
import { waitForPort } from '../nginx.ts';
import { lastWords, startOnCores, stopChild, waitForChild } from '../processes.ts';

export interface OutriderPlan extends StartPlan {
  /** Header-equality rules; the one that matches comes last. */
  readonly rules?: number;
  readonly spool?: Readonly<Record<string, unknown>>;
  readonly kafka?: Readonly<Record<string, unknown>>;
}

export interface RunningOutrider extends RunningContender {
  readonly metricsUrl: string;
  readonly ledgerUrl: string;
  /** Milliseconds from the start of the process until its listener accepts. */
  readonly listeningMs: number;
  /** … until /startupz answers 200. */
  readonly startedMs: number;
  /** … to the time in its own log line `listening`. */
  ownMs(): Promise<number>;
}

export interface OutriderContender extends Contender {
  start(plan: OutriderPlan): Promise<RunningOutrider>;
}

export function prepareOutrider(bench: Bench, say: (line: string) => void): OutriderContender {
  const { root, folder } = bench;
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const shipped: Shipped = { flags: shippedFlags(dockerfile), env: shippedEnv(dockerfile) };
  const entry = entryOf(bench, say);
  return {
    name: 'outrider',
    title: ['Outrider', version, ...(entry.startsWith(bench.frozen) ? [] : ['from its sources'])].join(' '),
    start: (plan) => startOutrider(entry, shipped, mkdtempSync(join(folder, 'outrider-')), plan),
  };
}

/** Built from the sources as they are now, and copied: beside node_modules, where its imports are found. */
function entryOf({ root, frozen }: Bench, say: (line: string) => void): string {
  try {
    build(root);
    cpSync(join(root, 'dist'), frozen, { recursive: true });
    return join(frozen, 'outrider.js');
  } catch (error) {
    // An older dist/ may be there: measuring it would be worse than the sources, which only start slower.
    say(`!!! measuring src/outrider.ts, which starts slower: ${error instanceof Error ? error.message : error}`);
    return join(root, 'src/outrider.ts');
  }
}

/** Node's flags in the Dockerfile's ENTRYPOINT: what stands between the binary and the script. */
export function shippedFlags(dockerfile: string): string[] {
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1];
  if (entry === undefined) throw new Error('the Dockerfile has no ENTRYPOINT in the form ["…", …]');
  const parts: string[] = JSON.parse(entry);
  return parts.slice(1).filter((part) => part.startsWith('-'));
}

/** The allocator's variables in the Dockerfile's ENV lines. */
export function shippedEnv(dockerfile: string): Record<string, string> {
  const found = dockerfile.matchAll(/^ENV (MALLOC_[A-Z_]+)=(\S+)$/gm);
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]));
}

interface Shipped {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function startOutrider(
  entry: string,
  { flags, env }: Shipped,
  folder: string,
  plan: OutriderPlan,
): Promise<RunningOutrider> {
  const config = join(folder, 'config');
  const ports = { listener: await closedPort(), metrics: await closedPort(), admin: await closedPort() };
  mkdirSync(config);
  writeFileSync(join(config, 'outrider.yaml'), JSON.stringify(processConfig(ports, join(folder, 'spool'), plan)));
  writeFileSync(join(config, 'routes.yaml'), JSON.stringify(routesConfig(plan)));
  const started = { at: performance.now(), epoch: Date.now() };
  const child = startOnCores(process.execPath, [...flags, entry, 'run', '--config', config], {
    cores: plan.cores,
    cwd: folder,
    env: { ...process.env, ...env },
  });
  await waitForPort(child, ports.listener);
  const listeningMs = performance.now() - started.at;
  await waitForChild(child, '/startupz to answer 200', () => isStarted(ports.metrics));
  return {
    pid: child.pid,
    url: `http://127.0.0.1:${ports.listener}`,
    metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
    ledgerUrl: `http://127.0.0.1:${ports.admin}/api/ledger`,
    listeningMs,
    startedMs: performance.now() - started.at,
    ownMs: () =>
      waitForChild(child, 'the line that it listens', async () => listeningTime(child.stdout, started.epoch)),
    lastWords: () => lastWords(child),
    stop: async () => {
      await stopChild(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Ports {
  readonly listener: number;
  readonly metrics: number;
  readonly admin: number;
}

function processConfig(ports: Ports, spoolPath: string, { spool = {}, kafka }: OutriderPlan): unknown {
  return {
    apiVersion: 'outrider.dev/v1',
    listeners: [{ name: 'bench', address: `127.0.0.1:${ports.listener}` }],
    metrics: { address: `127.0.0.1:${ports.metrics}` },
    admin: { address: `127.0.0.1:${ports.admin}` },
    spool: { path: spoolPath, ...spool },
    ...(kafka === undefined ? {} : { kafka }),
  };
}

function routesConfig({ targetUrl, rules = 1 }: OutriderPlan): unknown {
  const { header, value, added } = ROUTE;
  const rule = (name: string) => ({
    name,
    match: { headers: { [header]: name } },
    request: { headers: { set: { [added.name]: added.value } } },
    target: 'target',
  });
  const others = Array.from({ length: rules - 1 }, (_, index) => rule(`other-${index}`));
  return { targets: { target: targetUrl }, rules: [...others, rule(value)], default: 'reject' };
}

/** Milliseconds from `epoch` to the time in the line `listening`, by the process's own clock. */
function listeningTime(lines: readonly string[], epoch: number): number | null {
  const line = lines.find((text) => text.includes('"listening"'));
  if (line === undefined) return null;
  const { time }: { time: string } = JSON.parse(line);
  return new Date(time).getTime() - epoch;
}

/** Nobody answers yet: not started. */
async function isStarted(port: number): Promise<true | null> {
  const answer = await fetch(`http://127.0.0.1:${port}/startupz`, { headers: { connection: 'close' } }).catch(
    () => null,
  );
  await answer?.body?.cancel();
  return answer?.status === 200 ? true : null;
}

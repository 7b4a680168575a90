/** Load by wrk: closed loop, keep-alive, one thread on the load's cores. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { anonymousMemory } from '../test/helpers/process-facts.ts';
import { coreClock, cpuSeconds } from './machine.ts';
import { runOnCores } from './processes.ts';

export interface LoadPlan {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A wrk script (Lua); '' for plain GETs. */
  readonly script: string;
  /** Cores of the load. */
  readonly cores: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx and 3xx. */
  readonly refused: number;
  /** Connections that could not be opened, read, written, or took over 2 s. */
  readonly socketErrors: number;
}

export interface Measured extends LoadResult {
  readonly cpuSecondsPer10k: number;
  /** Highest RssAnon seen during the load, bytes. */
  readonly rssAnonPeak: number;
  /** CPU seconds a second that the measured process got: below 1 something else was the limit. */
  readonly coreShare: number;
  /** How busy the load's cores were, 0 to 1, with everybody's work on them. */
  readonly loadBusy: number;
}

const SAMPLE_MS = 100;

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const { url, connections, seconds, headers, script, cores } = plan;
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const shape = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...(script === '' ? [] : ['-s', script])];
  return parseWrk(await runOnCores('wrk', [...shape, ...fields, url], { cores }));
}

/** Runs the load and watches the process that bears it. */
export async function measureLoad(plan: LoadPlan, pid: number): Promise<Measured> {
  let rssAnonPeak = anonymousMemory(pid);
  const sampler = setInterval(() => {
    rssAnonPeak = Math.max(rssAnonPeak, anonymousMemory(pid));
  }, SAMPLE_MS);
  const before = { cpu: cpuSeconds(pid), at: performance.now(), clock: coreClock(plan.cores) };
  try {
    const result = await runLoad(plan);
    const used = cpuSeconds(pid) - before.cpu;
    const clock = coreClock(plan.cores);
    return {
      ...result,
      cpuSecondsPer10k: (used / result.requests) * 10_000,
      rssAnonPeak,
      coreShare: used / ((performance.now() - before.at) / 1000),
      loadBusy: (clock.busy - before.clock.busy) / (clock.total - before.clock.total),
    };
  } finally {
    clearInterval(sampler);
  }
}

/** wrk's report with --latency. @throws Error with the report when a number is missing. */
export function parseWrk(report: string): LoadResult {
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(report)?.[1];
    if (found === undefined) throw new Error(`wrk's report has no ${pattern.source}:\n${report}`);
    return found;
  };
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report)?.slice(1) ?? [];
  return {
    requests: Number(find(/(\d+) requests in /)),
    requestsPerSecond: Number(find(/Requests\/sec:\s+([\d.]+)/)),
    p50Ms: milliseconds(find(/\s50%\s+(\S+)/)),
    p99Ms: milliseconds(find(/\s99%\s+(\S+)/)),
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0),
    socketErrors: errors.reduce((sum, count) => sum + Number(count), 0),
  };
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function milliseconds(text: string): number {
  const [, number = '', unit = ''] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined)
    throw new Error(`wrk's time "${text}" has no unit that is known: ${Object.keys(UNITS).join(', ')}`);
  return Number(number) * factor;
}

/** A wrk script that posts a body of so many bytes with every request. Returns its path. */
export function writePostScript(folder: string, bytes: number): string {
  const path = join(folder, `post-${bytes}.lua`);
  const lines = [
    'wrk.method = "POST"',
    'wrk.headers["content-type"] = "application/octet-stream"',
    `wrk.body = string.rep("x", ${bytes})`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** Starts Outrider as a process of its own, as people do, and fails the test when it leaves something behind. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import { cleanUp, temporaryFolder } from './cleanup.ts';
import { MetricSamples } from './metric-samples.ts';
import { checkAfterExit, checkBeforeExit } from './outrider-leaks.ts';
import { openFiles } from './process-facts.ts';
import { waitFor } from './wait.ts';

const ENTRY = join(import.meta.dirname, '../../src/outrider.ts');
const START_MS = 15_000;
const SETTLE_MS = 5_000;
const STOP_MS = 10_000;

/** A log line as pino writes it, or `{msg}` for a line that is no JSON. */
export interface LogLine {
  readonly msg: string;
  readonly level?: number;
  readonly [field: string]: unknown;
}

/** The record of the admin API (DESIGN section 5 with `state` and `mirror`). */
export interface ApiRecord {
  readonly id: string;
  readonly [field: string]: unknown;
}

export interface OutriderOptions {
  /** Merged over the test's defaults (free ports, a spool in the test's folder); text is written as it is. */
  readonly outrider?: Readonly<Record<string, unknown>> | string;
  readonly routes?: Readonly<Record<string, unknown>> | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Use what is in this folder (or file) instead of writing one. */
  readonly configDir?: string;
  readonly dir?: string;
  /** One file (of an older system, for example) in place of the two; its ports are its own affair. */
  readonly configFile?: { readonly name: string; readonly text: string };
  /** In place of `run --config …`: nothing of the test's configuration is used. */
  readonly args?: readonly string[];
  /** Flags for Node itself. */
  readonly nodeArgs?: readonly string[];
  /** How many files it may have open: no more than this process may. */
  readonly files?: number;
  /** Lives until the end of the file. */
  readonly shared?: boolean;
  /** Something else than src/outrider.ts: how the helper itself is tested. */
  readonly entry?: string;
  /** false: the test leaves something on purpose. */
  readonly checkLeaks?: boolean;
  /** How long sockets and files may take to close, and how long it may take to end. */
  readonly settleMs?: number;
  readonly stopMs?: number;
}

interface BoundAddresses {
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  readonly metrics: string;
  readonly admin: string;
}

/**
 * Starts it and waits until it listens.
 *
 * @throws Error with all it logged, when it exits before that or takes longer than 15 s.
 */
export async function startOutrider(options: OutriderOptions = {}): Promise<Outrider> {
  const outrider = new Outrider(options);
  cleanUp(() => outrider.stop(), { shared: options.shared ?? false });
  await outrider.start();
  return outrider;
}

export class Outrider {
  readonly dir: string;
  /** Folder, or the file that was given. */
  readonly configDir: string;
  readonly spoolDir: string;
  /** Of all its lives. */
  readonly #ended: string[] = [];
  readonly #options: OutriderOptions;
  #child: Child | null = null;
  /** A second signal means `now`: it is not sent by accident. */
  #ending = false;
  #bound: BoundAddresses | null = null;
  #filesAtStart: readonly string[] = [];

  constructor(options: OutriderOptions) {
    this.#options = options;
    this.dir = options.dir ?? temporaryFolder({ shared: options.shared ?? false });
    this.spoolDir = join(this.dir, 'spool');
    this.configDir = options.configDir ?? join(this.dir, options.configFile?.name ?? 'config');
    if (options.configFile !== undefined) writeFileSync(this.configDir, options.configFile.text);
    if (options.configDir !== undefined || options.configFile !== undefined) return;
    mkdirSync(this.configDir, { recursive: true });
    this.#write('outrider.yaml', withDefaults(options.outrider ?? {}, this.spoolDir));
    this.#write('routes.yaml', options.routes ?? { targets: {}, default: 'reject' });
  }

  async start(): Promise<void> {
    const { env = {}, nodeArgs = [], entry = ENTRY, args = ['run', '--config', this.configDir], files } = this.#options;
    const { PATH = '', HOME = '', TMPDIR } = process.env;
    const limit = files === undefined ? [] : ['prlimit', `--nofile=${files}:${files}`];
    const [command = '', ...rest] = [...limit, process.execPath, ...nodeArgs, entry, ...args];
    this.#child = startChild(command, rest, {
      env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env },
      cwd: this.dir,
    });
    const child = this.#child;
    const line = await waitFor(() => parsed(child.stdout).find(({ msg }) => msg === 'listening') ?? child.exit, {
      what: 'Outrider to listen',
      timeoutMs: START_MS,
    }).catch((error: Error) => ({ code: null, signal: error.message }));
    if (!('msg' in line)) {
      child.process.kill('SIGKILL');
      await child.exited;
      this.#forget(child);
      this.#fail(`Outrider exited (${JSON.stringify(line)}) before it listened`);
    }
    this.#bound = boundAddresses(line);
    this.#filesAtStart = openFiles(child.pid);
  }

  /** Base URL of the first listener, or of the one with this name, at its first address. */
  urlOf(listener?: string): string {
    const { listeners } = this.#addresses();
    const addresses = listener === undefined ? Object.values(listeners)[0] : listeners[listener];
    return `http://${addresses?.[0] ?? this.#fail(`there is no listener ${listener}`)}`;
  }

  get url(): string {
    return this.urlOf();
  }

  /** Of the first listener. */
  get port(): number {
    return Number(new URL(this.url).port);
  }

  get metricsUrl(): string {
    return `http://${this.#addresses().metrics}`;
  }

  get adminUrl(): string {
    return `http://${this.#addresses().admin}`;
  }

  get pid(): number {
    return this.#running().pid;
  }

  /** Lines of all its lives, oldest first. */
  get logs(): readonly LogLine[] {
    return parsed([...this.#ended, ...(this.#child?.stdout ?? [])]);
  }

  get stderr(): string {
    return this.#child?.stderr.join('\n') ?? '';
  }

  async metrics(): Promise<MetricSamples> {
    const answer = await fetch(`${this.metricsUrl}/metrics`, { headers: { connection: 'close' } });
    if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
    return new MetricSamples(await answer.text());
  }

  /** All kept records that the query matches, through as many pages as there are. */
  async records(query: Readonly<Record<string, string>> = {}): Promise<ApiRecord[]> {
    const records: ApiRecord[] = [];
    let cursor: string | null = null;
    do {
      const search = new URLSearchParams({ limit: '500', ...query, ...(cursor === null ? {} : { cursor }) });
      const page: { records: ApiRecord[]; next: string | null } = await this.#getJson(`/api/records?${search}`);
      records.push(...page.records);
      cursor = page.next ?? null;
    } while (cursor !== null);
    return records;
  }

  /** @throws Error when there is no such record. */
  record(id: string): Promise<ApiRecord> {
    return this.#getJson(`/api/records/${encodeURIComponent(id)}`);
  }

  /** Replaces routes.yaml by a rename, as editors do. */
  editRoutes(routes: Readonly<Record<string, unknown>> | string): void {
    this.#write('routes.yaml', routes);
  }

  editConfig(outrider: Readonly<Record<string, unknown>> | string): void {
    this.#write('outrider.yaml', withDefaults(outrider, this.spoolDir));
  }

  /** The first line, from this life or an earlier one, with this text in `msg`, or for which the function is true. */
  waitForLog(wanted: string | ((line: LogLine) => boolean), timeoutMs = 10_000): Promise<LogLine> {
    const matches = typeof wanted === 'string' ? ({ msg }: LogLine) => msg.includes(wanted) : wanted;
    return waitFor(() => this.logs.find(matches), { what: `the log line ${wanted}`, timeoutMs });
  }

  /** Without waiting for what it does. */
  signal(signal: NodeJS.Signals): void {
    this.#running().process.kill(signal);
    this.#ending ||= signal === 'SIGTERM' || signal === 'SIGINT';
  }

  /** The kernel ends it; nothing is flushed. */
  async kill9(): Promise<void> {
    const child = this.#running();
    child.process.kill('SIGKILL');
    await child.exited;
    this.#forget(child);
  }

  /** Starts it again on the same folder; kills it first when it runs. Its ports are new ones. */
  async restart(): Promise<void> {
    if (this.#child !== null) await this.kill9();
    await this.start();
  }

  /** SIGTERM; may be called again. @throws Error when it leaves something, or doesn't end by itself with code 0. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const check = this.#options.checkLeaks !== false && child.exit === null && this.#bound !== null;
    const { settleMs = SETTLE_MS, stopMs = STOP_MS } = this.#options;
    const metrics = (): Promise<MetricSamples> => this.metrics();
    const leaks = check && !this.#ending ? await checkBeforeExit(child.pid, this.#filesAtStart, metrics, settleMs) : [];
    if (!this.#ending) child.process.kill('SIGTERM');
    const deadline = setTimeout(() => child.process.kill('SIGKILL'), stopMs);
    const { code, signal } = await child.exited;
    clearTimeout(deadline);
    if (signal === 'SIGKILL') leaks.push(`it was still there ${stopMs} ms after SIGTERM`);
    else if (code !== 0) leaks.push(`it ended with code ${code}, signal ${signal}`);
    if (check) leaks.push(...checkAfterExit(parsed(child.stdout), this.spoolDir));
    this.#forget(child);
    if (leaks.length > 0) this.#fail(`Outrider did not end clean:\n- ${leaks.join('\n- ')}\n`);
  }

  #forget(child: Child): void {
    // Not as arguments of one call: a process under load has logged more lines than a call can have.
    for (const line of [...child.stdout, ...child.stderr]) this.#ended.push(line);
    this.#child = null;
    this.#bound = null;
    this.#ending = false;
  }

  #running(): Child {
    return this.#child ?? this.#fail('Outrider is not running');
  }

  #addresses(): BoundAddresses {
    return this.#bound ?? this.#fail('Outrider is not running');
  }

  async #getJson<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.adminUrl}${path}`, { headers: { connection: 'close' } });
    if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Written whole under another name first: a reader never sees half of it. */
  #write(name: string, content: Readonly<Record<string, unknown>> | string): void {
    const path = join(this.configDir, name);
    writeFileSync(`${path}.new`, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
    renameSync(`${path}.new`, path);
  }

  #fail(message: string): never {
    const output = [...this.#ended, ...(this.#child?.stdout ?? []), ...(this.#child?.stderr ?? [])];
    throw new Error(`${message}\nits output:\n${output.slice(-60).join('\n')}`);
  }
}

/** JSON is YAML. */
function withDefaults(outrider: OutriderOptions['outrider'] & {}, spoolPath: string): string {
  if (typeof outrider === 'string') return outrider;
  const spool = { path: spoolPath, ...(outrider.spool as object | undefined) };
  const defaults = {
    apiVersion: 'outrider.dev/v1',
    listeners: [{ name: 'ambassador', address: 'localhost:0' }],
    metrics: { address: 'localhost:0' },
    admin: { address: 'localhost:0' },
  };
  return JSON.stringify({ ...defaults, ...outrider, spool }, null, 2);
}

function parsed(lines: readonly string[]): LogLine[] {
  return lines.map((line) => {
    try {
      return { msg: '', ...JSON.parse(line) };
    } catch {
      return { msg: line };
    }
  });
}

function boundAddresses(line: LogLine): BoundAddresses {
  const { listeners, metrics, admin } = line as LogLine & Partial<BoundAddresses>;
  return { listeners: listeners ?? {}, metrics: metrics ?? '', admin: admin ?? '' };
}

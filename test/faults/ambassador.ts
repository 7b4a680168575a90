/** The process under test: started, killed and started again on one folder and one port, as Kubernetes would. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, type ChildExit, startChild } from '../helpers/child.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { MetricSamples } from '../helpers/metric-samples.ts';
import { waitFor } from '../helpers/wait.ts';

const ENTRY = join(import.meta.dirname, '../../src/outrider.ts');
const START_MS = 30_000;
/** What a pod gets before the kernel ends it. */
const GRACE_MS = 15_000;
const KEPT_LINES = 100;

export interface Ledger {
  readonly captured: number;
  readonly states: Readonly<Record<string, number>>;
  readonly difference: number;
}

export interface AmbassadorOptions {
  readonly folder: string;
  readonly port: number;
  readonly spool: Readonly<Record<string, unknown>>;
  readonly outrider: Readonly<Record<string, unknown>>;
  readonly targets: Readonly<Record<string, string>>;
}

export class Ambassador {
  readonly configDir: string;
  readonly #options: AmbassadorOptions;
  #child: Child | null = null;
  #shutdown: 'drain' | 'native' = 'drain';
  #addresses = { metrics: '', admin: '' };
  /** Of earlier lives, for the message of a failure. */
  readonly #lines: string[] = [];
  /** Everything at warn and above that it logged, counted. */
  readonly warnings = new Map<string, number>();

  constructor(options: AmbassadorOptions) {
    this.#options = options;
    this.configDir = join(options.folder, 'config');
    mkdirSync(this.configDir, { recursive: true });
    this.editRoutes(0);
    cleanUp(() => this.kill9());
  }

  get pid(): number {
    return this.#running().pid;
  }

  get port(): number {
    return this.#options.port;
  }

  get adminUrl(): string {
    return this.#addresses.admin;
  }

  /** Resolves when it listens. */
  async start(shutdown: 'drain' | 'native'): Promise<void> {
    const { folder } = this.#options;
    this.#shutdown = shutdown;
    this.editSpool(0);
    const { PATH = '', HOME = '' } = process.env;
    const child = startChild(process.execPath, [ENTRY, 'run', '--config', this.configDir], {
      env: { PATH, HOME, POD_NAME: 'faults-0' },
      cwd: folder,
    });
    this.#child = child;
    const listens = (): LogLine | ChildExit | null =>
      child.stdout.map(parse).find(({ msg }) => msg === 'listening') ?? child.exit;
    const line = await waitFor(listens, { what: 'Outrider to listen', timeoutMs: START_MS, everyMs: 5 });
    if (!('msg' in line)) throw new Error(`Outrider ended (${JSON.stringify(line)}):\n${this.output()}`);
    this.#addresses = { metrics: `http://${line.metrics}`, admin: `http://${line.admin}` };
  }

  async kill9(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.process.kill('SIGKILL');
    await child.exited;
    this.#forget(child);
  }

  /** SIGTERM, and after the grace period SIGKILL. Says how it ended. */
  async end(): Promise<string> {
    const child = this.#running();
    child.process.kill('SIGTERM');
    const deadline = setTimeout(() => child.process.kill('SIGKILL'), GRACE_MS);
    const { code, signal } = await child.exited;
    clearTimeout(deadline);
    this.#forget(child);
    return signal ?? `code ${code}`;
  }

  /** A running spool is opened anew for it. */
  editSpool(turn: number): void {
    const { port, outrider, spool } = this.#options;
    this.#write('outrider.yaml', {
      apiVersion: 'outrider.dev/v1',
      listeners: [{ name: 'ambassador', address: `127.0.0.1:${port}` }],
      metrics: { address: '127.0.0.1:0' },
      admin: { address: '127.0.0.1:0' },
      shutdown: { mode: this.#shutdown, max: '2s' },
      log: { access: 'none' },
      spool: { ...spool, keep: `${24 + turn}h` },
      ...outrider,
    });
  }

  /** The same routes in other words: `turn` only changes what no request asks for. */
  editRoutes(turn: number): void {
    const { targets } = this.#options;
    const rules = Object.keys(targets)
      .filter((name) => name !== 'healthy')
      .map((name) => ({
        name,
        match: { headers: { to: name } },
        target: name,
        timeouts: name === 'hang' ? { response: '300ms' } : {},
        capture: { when: ['all'] },
        response: { headers: { set: { 'x-turn': String(turn) } } },
      }));
    this.#write('routes.yaml', { targets, rules, default: 'healthy' });
  }

  async metrics(): Promise<MetricSamples> {
    const answer = await fetch(`${this.#addresses.metrics}/metrics`, { headers: { connection: 'close' } });
    return new MetricSamples(await answer.text());
  }

  /** As soon as it can be told. */
  async ledger(): Promise<Ledger> {
    return await waitFor(() => this.get<Ledger>('/api/ledger'), { what: 'the ledger', timeoutMs: 30_000 });
  }

  /** null: 404. @throws Error for any other answer but 200. */
  async get<T>(path: string): Promise<T | null> {
    const answer = await fetch(`${this.#addresses.admin}${path}`, { headers: { connection: 'close' } });
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Its last lines, of this life and those before. */
  output(): string {
    const { stdout = [], stderr = [] } = this.#child ?? {};
    // A line for each failure would hide all others.
    const all = [...this.#lines, ...stdout, ...stderr].filter((line) => !line.includes('"record":'));
    return all.slice(-KEPT_LINES).join('\n');
  }

  #running(): Child {
    if (this.#child === null) throw new Error(`Outrider is not running:\n${this.output()}`);
    return this.#child;
  }

  #forget(child: Child): void {
    for (const line of child.stdout) {
      const { level, msg } = parse(line);
      if (level === 'warn' || level === 'error' || level === 'fatal')
        this.warnings.set(msg, (this.warnings.get(msg) ?? 0) + 1);
    }
    for (const line of [...child.stdout, ...child.stderr]) if (!line.includes('"record":')) this.#lines.push(line);
    this.#lines.splice(0, this.#lines.length - KEPT_LINES);
    this.#child = null;
  }

  /** JSON is YAML; whole or not at all. */
  #write(name: string, content: Readonly<Record<string, unknown>>): void {
    const path = join(this.configDir, name);
    writeFileSync(`${path}.new`, JSON.stringify(content, null, 2));
    renameSync(`${path}.new`, path);
  }
}

interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

function parse(line: string): LogLine {
  try {
    return { msg: '', ...JSON.parse(line) };
  } catch {
    return { msg: line };
  }
}

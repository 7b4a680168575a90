/** Traffic beside a fault: callers of a healthy target, who must notice nothing, and callers whose requests fail. */
import { setTimeout as pause } from 'node:timers/promises';
import { cleanUp } from '../helpers/cleanup.ts';
import { startTarget } from '../helpers/node-target.ts';
import { type Outrider, type OutriderOptions, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { Connection } from './load.ts';

/** `up` answers 200; everything else goes to a target that is away. */
export async function routesWithOneDown(): Promise<Readonly<Record<string, unknown>>> {
  const target = await startTarget((_, response) => void response.end('ok'));
  return {
    targets: { up: target.url, down: `http://127.0.0.1:${await closedPort()}` },
    rules: [{ name: 'up', match: { paths: ['/up'] }, target: 'up' }],
    default: 'down',
  };
}

export interface Traffic {
  readonly outrider: Outrider;
  readonly live: Live;
  readonly failing: Failing;
}

/** An Outrider, its two kinds of callers, and what live traffic was like before the fault. */
export async function startTraffic(options: OutriderOptions = {}): Promise<Traffic> {
  const outrider = await startOutrider({ routes: await routesWithOneDown(), checkLeaks: false, ...options });
  const live = new Live(outrider.port);
  const failing = new Failing(outrider.port);
  cleanUp(() => Promise.all([live.end(), failing.end()]).then(() => undefined));
  await waitFor(() => failing.ids.length > 5, { what: 'records before the fault' });
  await live.rememberBaseline();
  return { outrider, live, failing };
}

const CALLERS = 2;
const PAUSE_MS = 3;
const WINDOW_MS = 400;
const WINDOWS = 3;
/** On a machine that others use too, a measurement may need more of them. */
const MOST_WINDOWS = 24;
/** What a fault may add to the p99 of live traffic. */
const ALLOWED_MS = 5;

export class Live {
  readonly errors: string[] = [];
  answered = 0;
  #window: number[] = [];
  #baseline: number | null = null;
  #running = true;
  readonly #ended: Promise<unknown>;

  constructor(port: number) {
    this.#ended = Promise.all(Array.from({ length: CALLERS }, () => this.#call(port)));
  }

  async rememberBaseline(): Promise<void> {
    const windows: number[] = [];
    for (let n = 0; n < WINDOWS; n += 1) windows.push(await this.#p99());
    this.#baseline = median(windows);
  }

  /** Throws when a request failed, or when the median of the windows' p99 stays above the baseline's by more than 5 ms. */
  async expectUnaffected(): Promise<void> {
    const allowed = (this.#baseline ?? Number.NaN) + ALLOWED_MS;
    const windows: number[] = [];
    while (windows.length < WINDOWS || (median(windows) > allowed && windows.length < MOST_WINDOWS)) {
      windows.push(await this.#p99());
    }
    expect(this.errors).toEqual([]);
    if (median(windows) <= allowed) return;
    const text = windows.map((ms) => ms.toFixed(1)).join(' ');
    throw new Error(`p99 of live traffic was ${this.#baseline?.toFixed(1)} ms; with the fault: ${text}`);
  }

  async end(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #p99(): Promise<number> {
    this.#window = [];
    await pause(WINDOW_MS);
    const sorted = this.#window.sort((a, b) => a - b);
    // None at all in half a second is a stall, not a fast window.
    return sorted[Math.floor(sorted.length * 0.99)] ?? WINDOW_MS;
  }

  async #call(port: number): Promise<void> {
    const connection = new Connection(port);
    while (this.#running) {
      const began = performance.now();
      await connection.ask('GET /up HTTP/1.1\r\nHost: app\r\n\r\n').then(
        ({ status }) => this.#note(status, performance.now() - began),
        (error: unknown) => this.#broken(error),
      );
      await pause(PAUSE_MS);
    }
    connection.close();
  }

  #note(status: number, ms: number): void {
    this.answered += 1;
    this.#window.push(ms);
    if (status !== 200) this.errors.push(`answered ${status}`);
  }

  #broken(error: unknown): void {
    this.errors.push(String(error));
    this.#running = false;
  }
}

/** Callers of the target that is away: each must get an id, or the word that there is none. */
export class Failing {
  /** Given to callers, in that order. */
  readonly ids: string[] = [];
  /** How many answers said what about their capture: `committed`, `partial`, `pending` or `failed`. */
  readonly said = new Map<string, number>();
  readonly wrong: string[] = [];
  #running = true;
  #sent = 0;
  readonly #ended: Promise<unknown>;

  constructor(port: number) {
    this.#ended = Promise.all(Array.from({ length: CALLERS }, () => this.#call(port)));
  }

  count(said: string): number {
    return this.said.get(said) ?? 0;
  }

  /** Until so many more answers have said this. */
  async more(said: string, many: number): Promise<void> {
    const before = this.count(said);
    await waitFor(() => this.count(said) >= before + many, { what: `${many} answers: ${said}`, timeoutMs: 20_000 });
  }

  async end(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #call(port: number): Promise<void> {
    const connection = new Connection(port);
    while (this.#running) {
      this.#sent += 1;
      const body = `order ${this.#sent} ${'x'.repeat(500)}`;
      const head = `POST /down/${this.#sent} HTTP/1.1\r\nHost: app\r\nContent-Type: text/plain\r\n`;
      try {
        const answer = await connection.ask(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
        this.#note(answer.status, answer.header('outrider-record'), answer.header('outrider-capture'));
      } catch (error) {
        this.wrong.push(String(error));
        break;
      }
      await pause(PAUSE_MS);
    }
    connection.close();
  }

  /** The plain answer, and either an id or the reason why there is none. */
  #note(status: number, id: string | undefined, capture: string | undefined): void {
    const said = capture ?? 'committed';
    this.said.set(said, this.count(said) + 1);
    if (id !== undefined) this.ids.push(id);
    const promised = said === 'committed' || said === 'partial';
    if (status !== 502 || promised !== (id !== undefined)) this.wrong.push(`${status} ${id} ${capture}`);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const plain = { headers: { connection: 'close' } };

/** What people see: readiness never falls, and says what is degraded. */
export async function readyz(outrider: Outrider): Promise<string> {
  const answer = await fetch(`${outrider.metricsUrl}/readyz?verbose`, plain);
  expect(answer.status).toBe(200);
  return answer.text();
}

/** While a fault lasts: nothing is promised, what is not kept is counted and shown, and live traffic goes on. */
export async function expectDegraded({ outrider, live, failing }: Traffic, said: 'failed' | 'pending'): Promise<void> {
  await failing.more(said, 3);
  await live.expectUnaffected();
  const metrics = await outrider.metrics();
  expect(metrics.value('captures_total', { result: said })).toBeGreaterThan(0);
  expect(failing.wrong).toEqual([]);
}

/** After it: captures are kept again by themselves, and every id that a caller ever got is there. */
export async function expectHealed({ outrider, live, failing }: Traffic): Promise<void> {
  await failing.more('committed', 10);
  await waitFor(async () => !(await readyz(outrider)).includes('degraded: spool'), { what: 'the end of degraded' });
  await Promise.all([live.end(), failing.end()]);
  expect([live.errors, failing.wrong]).toEqual([[], []]);
  const missing = async (): Promise<string[]> => {
    const kept = new Set((await outrider.records()).map(({ id }) => id));
    return failing.ids.filter((id) => !kept.has(id));
  };
  await waitFor(async () => (await missing()).length === 0, { what: 'every id that was given' }).catch(
    async (error) => {
      throw new Error(`of ${failing.ids.length} ids ${(await missing()).length} are not there: ${error}`);
    },
  );
  expect((await outrider.metrics()).value('ledger_difference')).toBe(0);
}

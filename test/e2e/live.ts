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

/** An Outrider, its two kinds of callers, and another Outrider in the same machine's weather, which has no fault. */
export async function startTraffic(options: OutriderOptions = {}): Promise<Traffic> {
  const routes = await routesWithOneDown();
  const outrider = await startOutrider({ routes, checkLeaks: false, ...options });
  const control = await startOutrider({ routes, checkLeaks: false });
  const live = new Live(outrider.port, control.port);
  const failing = new Failing(outrider.port);
  cleanUp(() => Promise.all([live.end(), failing.end()]).then(() => undefined));
  await waitFor(() => failing.ids.length > 5, { what: 'records before the fault' });
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

/** Milliseconds that answers took in one window: with the fault, and at the same time without. */
interface Window {
  readonly live: number[];
  readonly control: number[];
}

export class Live {
  readonly errors: string[] = [];
  answered = 0;
  #window: Window = { live: [], control: [] };
  #running = true;
  readonly #ended: Promise<unknown>;

  constructor(port: number, controlPort: number | null = null) {
    this.#ended = Promise.all(Array.from({ length: CALLERS }, () => this.#call(port, controlPort)));
  }

  /** Throws when a request failed, or when the median of the windows' p99 stays above the control's by more than 5 ms. */
  async expectUnaffected(): Promise<void> {
    const added: number[] = [];
    const seen: string[] = [];
    while (added.length < WINDOWS || (median(added) > ALLOWED_MS && added.length < MOST_WINDOWS)) {
      const [live, control] = await this.#p99s();
      added.push(live - control);
      seen.push(`${live.toFixed(1)}/${control.toFixed(1)}`);
    }
    expect(this.errors).toEqual([]);
    if (median(added) > ALLOWED_MS)
      throw new Error(`p99 of live traffic with the fault/without, ms: ${seen.join(' ')}`);
  }

  async end(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #p99s(): Promise<[live: number, control: number]> {
    this.#window = { live: [], control: [] };
    await pause(WINDOW_MS);
    const { live, control } = this.#window;
    // None at all in half a second is a stall, not a fast window.
    return [p99(live) ?? WINDOW_MS, p99(control) ?? 0];
  }

  /** Asks one after the other: whatever else goes on in the machine meets both. */
  async #call(port: number, controlPort: number | null): Promise<void> {
    const connection = new Connection(port);
    const control = controlPort === null ? null : new Connection(controlPort);
    while (this.#running) {
      const began = performance.now();
      await connection.ask(UP).then(
        ({ status }) => this.#note(status, performance.now() - began),
        (error: unknown) => this.#broken(error),
      );
      if (control !== null) await this.#askControl(control);
      await pause(PAUSE_MS);
    }
    connection.close();
    control?.close();
  }

  async #askControl(control: Connection): Promise<void> {
    const began = performance.now();
    await control.ask(UP).then(
      () => this.#window.control.push(performance.now() - began),
      (error: unknown) => this.#broken(error),
    );
  }

  #note(status: number, ms: number): void {
    this.answered += 1;
    this.#window.live.push(ms);
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

const UP = 'GET /up HTTP/1.1\r\nHost: app\r\n\r\n';

function p99(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)];
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

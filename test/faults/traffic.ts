/** Callers, some of healthy targets and some of failing ones, who tell the model what they were answered. */
import { setTimeout as pause } from 'node:timers/promises';
import { Connection } from '../e2e/load.ts';
import type { RawResponse } from '../helpers/raw-response.ts';
import type { Model } from './model.ts';
import { bytesOf, type Lane, type Request, requestOf } from './requests.ts';

const CALLERS: Readonly<Record<Lane, number>> = { live: 6, fail: 24 };
/** Failures come in clumps, as they do when a target goes down: that is what group commit is for. */
const CLUMP_MS = 250;
/** An answer that takes longer than that never comes. */
const PATIENCE_MS = 20_000;

export interface TrafficOptions {
  readonly seed: number;
  readonly port: number;
  readonly model: Model;
  /** Requests a second. */
  readonly rates: Readonly<Record<Lane, number>>;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #callers: Promise<void>[] = [];
  readonly #clock: NodeJS.Timeout;
  #stopped = false;
  /** Failing requests that may be sent now. */
  #tokens = 0;
  #waiting: (() => void)[] = [];
  /** Resolves waiters for a process that answers. */
  #up = Promise.withResolvers<void>();

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#up.resolve();
    this.#clock = setInterval(() => this.burst((options.rates.fail * CLUMP_MS) / 1000), CLUMP_MS);
    for (const lane of ['live', 'fail'] as const) {
      for (let i = 0; i < CALLERS[lane]; i += 1) this.#callers.push(this.#call(lane, this.#callers.length));
    }
  }

  /** So many failing requests more, as fast as they can be sent. */
  burst(requests: number): void {
    this.#tokens += requests;
    const { length } = this.#waiting;
    for (const wake of this.#waiting.splice(0, Math.min(length, Math.floor(this.#tokens)))) wake();
  }

  /** Callers who are refused wait for `resume`. */
  interrupt(): void {
    this.#up = Promise.withResolvers();
  }

  resume(): void {
    this.#up.resolve();
  }

  /** When each caller has had its answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#clock);
    this.resume();
    this.burst(0);
    for (const wake of this.#waiting.splice(0)) wake();
    await Promise.all(this.#callers);
  }

  async #call(lane: Lane, caller: number): Promise<void> {
    const { model, seed } = this.#options;
    let connection: Connection | null = null;
    while (await this.#mayGo(lane)) {
      await this.#up.promise;
      const request = requestOf(seed, lane, model.sent[lane]++);
      // As every client does: a connection that was closed while it was idle is not used again.
      if (connection === null || connection.gone) connection = new Connection(this.#options.port);
      const went = await this.#ask(connection, request, caller);
      if (went) continue;
      connection.close();
      connection = null;
    }
    connection?.close();
  }

  async #mayGo(lane: Lane): Promise<boolean> {
    if (lane === 'live') await pause((1000 * CALLERS.live) / this.#options.rates.live);
    while (lane === 'fail' && this.#tokens < 1 && !this.#stopped) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (lane === 'fail') this.#tokens -= 1;
    return !this.#stopped;
  }

  /** False: the connection is of no more use. */
  async #ask(connection: Connection, request: Request, caller: number): Promise<boolean> {
    const { model } = this.#options;
    const { epoch } = model;
    const from = performance.now();
    const answered = connection.ask(bytesOf(request));
    if (request.kind === 'quit') {
      // Gone once the request is out, as clients with a short patience are.
      setImmediate(() => connection.close());
    }
    const late = setTimeout(() => connection.close(), PATIENCE_MS);
    try {
      const answer = await answered;
      if (request.lane === 'live')
        model.live(from, performance.now(), answer.status === 200 ? null : answer.statusLine);
      this.#note(answer, request, caller, epoch);
      return answer.header('connection')?.toLowerCase() !== 'close';
    } catch (error) {
      if (request.lane === 'live')
        model.live(from, performance.now(), `${request.lane} ${request.n}: ${String(error)}`);
      else model.unanswered += 1;
      return false;
    } finally {
      clearTimeout(late);
    }
  }

  #note(answer: RawResponse, { lane, n }: Request, caller: number, epoch: number): void {
    const { model } = this.#options;
    const id = answer.header('outrider-record');
    const said = answer.header('outrider-capture') ?? (id === undefined ? 'none' : 'committed');
    if (lane === 'fail' || id !== undefined) model.count(said);
    if (id === undefined) return;
    const same = epoch === model.epoch ? epoch : null;
    model.promised.push({ id, lane, n, partial: said === 'partial', caller, epoch: same });
  }
}

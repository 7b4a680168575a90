/** A target that is stopped and started again and again under a thousand requests a second. */
import { createServer, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { cleanUp } from '../helpers/cleanup.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { portOf } from '../helpers/ports.ts';
import { anonymousMemory, openDescriptors } from '../helpers/process-facts.ts';
import { waitFor } from '../helpers/wait.ts';
import { Connection } from './load.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const [RESTARTS, EVERY_MS] = FULL ? [120, 5000] : [10, 200];
const CALLERS = 20;
/** Between two requests of one caller, so that all together send about a thousand a second. */
const PAUSE_MS = 20;
const MIB = 1024 * 1024;
/** What the process's own memory may be more than in the middle of the run. */
const GROWTH = 16 * MIB;

/** Counts how often each request has come; nothing else of it is kept. */
class Target {
  readonly arrivals = new Map<string, number>();
  #server: Server | null = null;
  port = 0;

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const uri = request.url ?? '';
      this.arrivals.set(uri, (this.arrivals.get(uri) ?? 0) + 1);
      request.resume().on('end', () => response.end('ok'));
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = portOf(server);
    this.#server = server;
  }

  /** As when its process ends: what runs is cut. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

class Callers {
  answered = 0;
  /** Those that were not answered by the target. */
  readonly failed: string[] = [];
  readonly wrong: string[] = [];
  #next = 0;
  #running = true;
  readonly #ended: Promise<unknown>;

  constructor(port: number) {
    this.#ended = Promise.all(Array.from({ length: CALLERS }, () => this.#call(port)));
    cleanUp(() => this.end());
  }

  async end(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #call(port: number): Promise<void> {
    let connection = new Connection(port);
    while (this.#running) {
      const uri = `/${this.#next++}`;
      try {
        const { status, header } = await connection.ask(
          `POST ${uri} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`,
        );
        this.answered += 1;
        if (status !== 200) this.failed.push(uri);
        if (status !== 200 && header('outrider-record') === undefined) this.wrong.push(`${uri}: ${status}, no record`);
      } catch {
        // Cut in the middle of its answer.
        this.failed.push(uri);
        connection.close();
        connection = new Connection(port);
      }
      await pause(PAUSE_MS);
    }
    connection.close();
  }
}

const sockets = ({ pid }: Outrider): number => openDescriptors(pid).filter((link) => link.startsWith('socket:')).length;

test(
  `U14 ${RESTARTS} restarts of a target under load: what it did not answer is kept, nothing arrives twice, nothing is left`,
  async () => {
    const target = new Target();
    await target.start();
    cleanUp(() => target.stop());
    const keys = { urls: [{ url: `http://127.0.0.1:${target.port}` }], circuitBreaker: { failures: 1_000_000 } };
    const outrider = await startOutrider({
      outrider: { log: { access: 'none' } },
      routes: { targets: { prod: keys }, default: 'prod' },
    });
    const socketsBefore = sockets(outrider);
    const callers = new Callers(outrider.port);
    let inTheMiddle = 0;
    for (let i = 0; i < RESTARTS; i++) {
      await pause(EVERY_MS);
      await target.stop();
      await pause(PAUSE_MS);
      await target.start();
      if (i === Math.floor(RESTARTS / 2)) inTheMiddle = anonymousMemory(outrider.pid);
    }
    await callers.end();

    expect([...target.arrivals].filter(([, times]) => times > 1)).toEqual([]);
    expect(callers.wrong).toEqual([]);
    const kept = (await outrider.records()).map(({ uri }) => String(uri));
    expect(kept.toSorted()).toEqual(callers.failed.toSorted());
    expect(callers.failed.length).toBeGreaterThan(0);
    expect(callers.answered).toBeGreaterThan(RESTARTS * 20);
    await target.stop();
    await waitFor(() => sockets(outrider) <= socketsBefore, { what: 'every socket to be closed', timeoutMs: 30_000 });
    const growth = anonymousMemory(outrider.pid) - inTheMiddle;
    const told = [
      `${callers.answered} answered`,
      `${callers.failed.length} failed`,
      `${(growth / MIB).toFixed(1)} MiB more`,
    ];
    process.stderr.write(`restarts: ${told.join(', ')} than in the middle\n`);
    expect(growth).toBeLessThan(GROWTH);
  },
  FULL ? 900_000 : 60_000,
);

import { setTimeout as pause } from 'node:timers/promises';
import { randomFrom } from '../dispatch/fixtures.ts';
import { type ApiRecord, type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { generateBytes, printedSeed, sha256 } from './data.ts';
import { runLoad } from './load.ts';

const KILLS = 5;
const CONNECTIONS = 16;
const MEMORY_COPY = 64 * 1024;

/** What callers sent and what they were answered, over all lives of the process. */
class Callers {
  /** Digest of each body, by the number in its path. */
  readonly sent = new Map<number, string>();
  /** Number of the request that an id was given for. */
  readonly ids = new Map<string, number>();
  #first = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Until the process is gone. */
  async run(outrider: Outrider): Promise<void> {
    const first = this.#first;
    await runLoad({
      port: outrider.port,
      connections: CONNECTIONS,
      request: (n) => this.#request(first + n),
      answered: (n, answer) => {
        const id = answer.header('outrider-record');
        if (answer.status !== 502 || id === undefined)
          throw new Error(`request ${n}: ${answer.statusLine} without an id`);
        this.ids.set(id, first + n);
      },
      broken: () => undefined,
    });
  }

  #request(n: number): Buffer {
    const body = generateBytes(this.#seed + n, this.#sizeOf(n));
    this.sent.set(n, sha256(body));
    this.#first = n + 1;
    const head = `POST /n/${n} HTTP/1.1\r\nHost: app\r\nContent-Type: application/octet-stream\r\n`;
    return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
  }

  /** Small ones, some at the border between memory and file, some well over it. */
  #sizeOf(n: number): number {
    const random = randomFrom(this.#seed + n);
    if (n % 40 === 13) return MEMORY_COPY + 1 + Math.floor(random() * 300_000);
    if (n % 20 === 7) return MEMORY_COPY - 1 + Math.floor(random() * 3);
    return Math.floor(random() * 2000);
  }
}

const numberOf = ({ uri }: ApiRecord): number => Number(/^\/n\/(\d+)$/.exec(String(uri))?.[1]);

test('after each kill -9 under load every id that a caller got is there with its body, and nothing else is', async () => {
  const seed = printedSeed('kill -9');
  const random = randomFrom(seed);
  const callers = new Callers(seed);
  const outrider = await startOutrider({
    routes: { targets: { down: `http://127.0.0.1:${await closedPort()}` }, default: 'down' },
  });
  for (let kill = 0; kill < KILLS; kill += 1) {
    const known = callers.ids.size;
    const more = Math.floor(random() * 400);
    const load = callers.run(outrider);
    await waitFor(() => callers.ids.size > known + more, { what: `${more} ids`, timeoutMs: 30_000, everyMs: 1 });
    await pause(random() * 20);
    await outrider.kill9();
    await load;
    await outrider.start();
    const kept = await outrider.records();
    const ids = new Set(kept.map(({ id }) => id));
    expect([...callers.ids.keys()].filter((id) => !ids.has(id))).toEqual([]);
  }
  const kept = await outrider.records();
  for (const { id } of kept) {
    const record = await outrider.record(id);
    const n = numberOf(record);
    // Whose answer died with the process may be there too, but it is one that a caller sent.
    expect([id, record.body_sha256, record.body_truncated]).toEqual([id, callers.sent.get(n), false]);
    if (callers.ids.has(id)) expect(n).toBe(callers.ids.get(id));
  }
  const numbers = kept.map(numberOf);
  expect(new Set(numbers).size).toBe(numbers.length);
  const large = kept.filter(({ body_bytes }) => Number(body_bytes) > MEMORY_COPY).length;
  process.stderr.write(
    `kill -9: ${KILLS} kills, ${callers.ids.size} ids, ${kept.length} records, ${large} with a file\n`,
  );
  expect(large).toBeGreaterThan(KILLS);
}, 120_000);

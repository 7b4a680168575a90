/** A target that closes its idle connections at the very moment when the next request is on its way. */
import { startRawTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const REQUESTS = FULL ? 10_000 : 600;
const CALLERS = 8;

/** Between 0 and 3 ms, not in step with anything: xorshift, so that a run can be repeated. */
function waits(seed: number): () => Promise<void> {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const ms = (state >>> 0) % 4;
    return new Promise((resolve) => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)));
  };
}

test.each(['FIN', 'RST'])(
  `U10 H13 ${REQUESTS} POSTs against idle connections that end with %s: none arrives twice, each is answered or kept`,
  async (how) => {
    const target = await startRawTarget(async (connection) => {
      const wait = waits(connection.index + 1);
      const end = (): void => (how === 'FIN' ? connection.close() : connection.reset());
      for (let i = 0; i < 3; i++) {
        await connection.readHead();
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
      // Every other one takes a further request first, and gives no answer.
      if (connection.index % 2 === 1) await connection.readHead();
      await wait();
      end();
    });
    const arrivals = (): Map<string, number> => {
      const counted = new Map<string, number>();
      for (const connection of target.connections) {
        for (const [, id = ''] of connection
          .received()
          .toString()
          .matchAll(/POST \/(\d+) /g)) {
          counted.set(id, (counted.get(id) ?? 0) + 1);
        }
      }
      return counted;
    };
    const path = await startPath({ process: { log: { access: 'none' } }, routes: { targets: { prod: target.url } } });
    let next = 0;
    const failed: string[] = [];
    const call = async (caller: number): Promise<void> => {
      const wait = waits(1000 + caller);
      while (next < REQUESTS) {
        const id = String(next++);
        const request = `POST /${id} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`;
        const [response] = (await sendRaw(path.port, request, { responses: 1 })).responses;
        if (response?.status !== 200) {
          expect(response?.status).toBe(502);
          expect(response?.header('outrider-record')).toBeDefined();
          failed.push(id);
        }
        await wait();
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)));
    expect([...arrivals()].filter(([, times]) => times > 1)).toEqual([]);
    expect(failed.length).toBeGreaterThan(0);
    expect(path.captures.map(({ head }) => head.uri.slice(1)).toSorted()).toEqual(failed.toSorted());
    expect(target.connections.length).toBeGreaterThan(10);
  },
  FULL ? 600_000 : 60_000,
);

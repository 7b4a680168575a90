/** Networks that are slow, cut off, or end in the middle, each request one by one accounted for. */
import { createHash, randomBytes } from 'node:crypto';
import { startTarget } from '../helpers/node-target.ts';
import { startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { type Direction, startToxicProxy, TOXICS, type Toxic } from '../helpers/toxic-proxy.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const REQUESTS = FULL ? 1000 : 60;
const CALLERS = 10;
const BODY = 'x'.repeat(300);

const cases = TOXICS.flatMap((toxic) => (['up', 'down'] as const).map((way) => [toxic, way] as const));

const requestOf = (n: number): string =>
  n % 2 === 0
    ? `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`
    : `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** Whether every request comes through, or every one that needs more than the first bytes does not. */
const HARMLESS: ReadonlySet<Toxic> = new Set<Toxic>(['latency', 'bandwidth', 'slow_close', 'slicer']);

test.each<readonly [Toxic, Direction]>(cases)(
  `U12 %s on the way %s: each of ${REQUESTS} requests gets one whole answer, an error of ours or an abort, and every failure is kept`,
  async (toxic, way) => {
    const arrived = new Map<string, number>();
    const target = await startTarget((received, response) => {
      if (received.method === 'POST') arrived.set(received.uri, (arrived.get(received.uri) ?? 0) + 1);
      response.end(BODY + received.uri);
    });
    const url = await startToxicProxy(target.port, toxic, way);
    const targets = {
      prod: { urls: [{ url }], timeouts: { response: '2s' }, circuitBreaker: { failures: 1_000_000 } },
    };
    const path = await startPath({ process: { log: { access: 'none' } }, routes: { targets } });
    let next = 0;
    const failed: string[] = [];
    const call = async (): Promise<void> => {
      while (next < REQUESTS) {
        const n = next++;
        const { responses, ended } = await sendRaw(path.port, requestOf(n), { responses: 1 });
        const [response] = responses;
        if (response?.status === 200) expect(String(response.body)).toBe(`${BODY}/${n}`);
        else {
          failed.push(`/${n}`);
          if (response === undefined) expect(['closed', 'reset']).toContain(ended);
          else expect(response.header('outrider-record')).toBeDefined();
        }
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, call));
    expect(path.captures.map(({ head }) => head.uri).toSorted()).toEqual(failed.toSorted());
    expect([...arrived.values()].filter((times) => times > 1)).toEqual([]);
    if (HARMLESS.has(toxic)) expect(failed).toEqual([]);
    else expect(failed.length).toBeGreaterThan(0);
  },
  FULL ? 300_000 : 60_000,
);

test('U13 with lost packets both ways no body is changed and no connection gets stuck', async () => {
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const sizes = Array.from({ length: FULL ? 500 : 60 }, (_, n) => 1 + ((n * 7919) % 200_000));
  const bodies = sizes.map((size) => randomBytes(size));
  const target = await startTarget((received, response) => {
    response.writeHead(200, { 'x-sum': sha256(received.body) }).end(received.body);
  });
  const up = await startToxicProxy(target.port, 'loss', 'up');
  const url = await startToxicProxy(Number(new URL(up).port), 'loss', 'down');
  const path = await startPath({ routes: { targets: { prod: url } } });
  const call = async (n: number): Promise<void> => {
    const body = bodies[n] ?? Buffer.alloc(0);
    const head = `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(head), body]);
    const [response] = (await sendRaw(path.port, bytes, { responses: 1, timeoutMs: 30_000 })).responses;
    expect([response?.status, response?.header('x-sum')]).toEqual([200, sha256(body)]);
    expect(sha256(response?.body ?? body.subarray(1))).toBe(sha256(body));
  };
  for (let n = 0; n < bodies.length; n += CALLERS) {
    await Promise.all(Array.from({ length: Math.min(CALLERS, bodies.length - n) }, (_, i) => call(n + i)));
  }
  expect(path.captures).toEqual([]);
}, 300_000);

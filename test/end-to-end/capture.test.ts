import { createHash, randomBytes } from 'node:crypto';
import { answering, startRawTarget, startTarget } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';

const post = (outrider: Outrider, body: Uint8Array<ArrayBuffer> | string) =>
  fetch(`${outrider.url}/orders?x=1`, { method: 'POST', body, headers: { connection: 'close' } });

const to = (url: string) => ({ targets: { prod: url }, default: 'prod' });

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** @throws when the answer carries no id */
function recordOf(answer: Response): string {
  const id = answer.headers.get('outrider-record');
  if (id === null) throw new Error(`no outrider-record with ${answer.status}; ${JSON.stringify([...answer.headers])}`);
  return id;
}

test('a refused connection is a 502 with the id of a record that holds the request', async () => {
  const outrider = await startOutrider({ routes: to(`http://127.0.0.1:${await closedPort()}`) });
  const answer = await post(outrider, '{"order":7}');
  expect(answer.status).toBe(502);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(await outrider.record(recordOf(answer))).toMatchObject({
    schema: 1,
    method: 'POST',
    uri: '/orders?x=1',
    path: '/orders',
    query_string: 'x=1',
    body: '{"order":7}',
    body_bytes: 11,
    body_truncated: false,
    rule: 'default',
    target: 'prod',
    reason: 'connect',
    request_sent: 'no',
    state: 'held',
    mirror: 'none',
  });
});

test("a target's own 503 is relayed with the id, and kept with its body", async () => {
  const target = await startTarget(answering(503, 'down for repair', { 'x-why': 'repair' }));
  const outrider = await startOutrider({ routes: to(target.url) });
  const answer = await post(outrider, 'a');
  expect([answer.status, answer.headers.get('x-why'), await answer.text()]).toEqual([503, 'repair', 'down for repair']);
  const record = await outrider.record(recordOf(answer));
  expect(record).toMatchObject({ reason: 'status', response: { status: 503, body: 'down for repair' } });
});

test('a target that resets after it has read the request is a record that says so', async () => {
  const target = await startRawTarget(async (connection) => {
    await connection.readHead();
    connection.reset();
  });
  const outrider = await startOutrider({ routes: to(target.url) });
  const answer = await post(outrider, 'a');
  expect(answer.status).toBe(502);
  expect(await outrider.record(recordOf(answer))).toMatchObject({ reason: 'reset', request_sent: 'yes' });
});

test('a target that is too slow is a 504 with a record', async () => {
  const target = await startRawTarget(() => undefined);
  const targets = { prod: { urls: [{ url: target.url }], timeouts: { response: '100ms' } } };
  const outrider = await startOutrider({ routes: { targets, default: 'prod' } });
  const answer = await post(outrider, 'a');
  expect(answer.status).toBe(504);
  expect(await outrider.record(recordOf(answer))).toMatchObject({ reason: 'timeout' });
});

test('a body of 4 MiB, over what is kept in memory, is whole in the record', async () => {
  const target = await startTarget(answering(503));
  const outrider = await startOutrider({ routes: to(target.url) });
  const body = randomBytes(4 * 1024 * 1024);
  const record = await outrider.record(recordOf(await post(outrider, body)));
  expect(record).toMatchObject({ body_bytes: body.length, body_truncated: false, body_sha256: sha256(body) });
});

test('every id that a caller got is there, with its body, after a kill -9', async () => {
  const outrider = await startOutrider({ routes: to(`http://127.0.0.1:${await closedPort()}`) });
  const bodies = new Map<string, string>();
  let running = true;
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    for (let n = 0; running; n++) {
      const body = `${caller}-${n}`;
      // The last request of each caller dies with the process.
      const answer = await post(outrider, body).catch(() => null);
      if (answer !== null) bodies.set(recordOf(answer), body);
    }
  });
  await waitFor(() => bodies.size >= 300, { what: '300 ids', timeoutMs: 20_000 });
  await outrider.kill9();
  running = false;
  await Promise.all(callers);
  await outrider.restart();
  const kept = new Map((await outrider.records()).map(({ id, body_sha256 }) => [id, body_sha256]));
  expect([...bodies].filter(([id]) => !kept.has(id))).toEqual([]);
  const [id = '', body] = [...bodies].at(-1) ?? [];
  expect(await outrider.record(id)).toMatchObject({ body });
}, 30_000);

test('a request that was delivered leaves no record', async () => {
  const target = await startTarget(answering(404));
  const outrider = await startOutrider({ routes: to(target.url) });
  const answer = await post(outrider, 'a');
  expect(answer.status).toBe(404);
  expect(answer.headers.get('outrider-record')).toBeNull();
  expect(await outrider.records()).toEqual([]);
});

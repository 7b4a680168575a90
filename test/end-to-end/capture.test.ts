import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
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

test('failures over capture.rate are answered as not kept, counted, and told in few lines', async () => {
  const outrider = await startOutrider({
    outrider: { capture: { rate: '1/s' }, log: { access: 'none' } },
    routes: to(`http://127.0.0.1:${await closedPort()}`),
  });
  const said = new Map<string, number>();
  for (let n = 0; n < 40; n += 1) {
    const word = (await post(outrider, 'x')).headers.get('outrider-capture') ?? 'kept';
    said.set(word, (said.get(word) ?? 0) + 1);
  }
  expect(said.get('failed')).toBeGreaterThan(30);
  const lost = async (): Promise<number> => (await outrider.metrics()).value('lost_records_total', { reason: 'rate' });
  await waitFor(async () => (await lost()) === said.get('failed'), { what: 'the losses to be in the ledger' });
  expect(outrider.logs.filter(({ msg }) => msg.includes('not kept whole')).length).toBeLessThan(4);
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

/** Sends one request after the other on a connection of its own; tells each id the moment its bytes are here. */
function callAgainAndAgain(port: number, name: string, answered: (id: string, body: string) => void): Socket {
  let count = 0;
  let text = '';
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const send = (): void => {
    const body = `${name}-${count}`;
    socket.write(`POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  };
  socket.on('connect', send);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const id = /^outrider-record: (\S+)\r\n/im.exec(text)?.[1];
    if (id === undefined || !text.includes('\r\n\r\n')) return;
    answered(id, `${name}-${count}`);
    text = '';
    count += 1;
    send();
  });
  // The process dies under it.
  socket.on('error', () => socket.destroy());
  return socket;
}

test.each([1, 40, 300])(
  'every id that a caller got is there, with its body, after a kill -9 at answer %d',
  async (last) => {
    const outrider = await startOutrider({ routes: to(`http://127.0.0.1:${await closedPort()}`) });
    for (let life = 0; life < 3; life++) {
      const bodies = new Map<string, string>();
      const callers = Array.from({ length: 8 }, (_, caller) =>
        callAgainAndAgain(outrider.port, `${life}-${caller}`, (id, body) => {
          bodies.set(id, body);
          // In the very turn in which the answer came: a commit that comes after its answer never happens.
          if (bodies.size === last) outrider.signal('SIGKILL');
        }),
      );
      await waitFor(() => bodies.size >= last, { what: `${last} answers`, timeoutMs: 20_000 });
      await outrider.kill9();
      for (const socket of callers) socket.destroy();
      await outrider.restart();
      const kept = new Map((await outrider.records()).map(({ id, body_bytes }) => [id, body_bytes]));
      expect([...bodies].filter(([id, body]) => kept.get(id) !== body.length)).toEqual([]);
      const [id = '', body] = [...bodies].at(-1) ?? [];
      expect(await outrider.record(id)).toMatchObject({ body });
    }
  },
  60_000,
);

test('a request that was delivered leaves no record', async () => {
  const target = await startTarget(answering(404));
  const outrider = await startOutrider({ routes: to(target.url) });
  const answer = await post(outrider, 'a');
  expect(answer.status).toBe(404);
  expect(answer.headers.get('outrider-record')).toBeNull();
  expect(await outrider.records()).toEqual([]);
});

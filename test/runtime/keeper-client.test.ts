import { Buffers } from '../../src/accept/buffers.ts';
import type { Capture, CaptureResult } from '../../src/exchange.ts';
import { type PackedCaptures, unpackCaptures } from '../../src/runtime/capture-pack.ts';
import { KeeperClient } from '../../src/runtime/keeper-client.ts';
import type { ToKeeper } from '../../src/runtime/keeper-protocol.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function client(backlogBytes = 1000): { client: KeeperClient; posted: ToKeeper[] } {
  const posted: ToKeeper[] = [];
  const made = new KeeperClient();
  made.backlogBytes = backlogBytes;
  made.attach({ post: (message) => posted.push(message) });
  return { client: made, posted };
}

function capture(id: string, bytes = 0): Capture {
  return {
    id,
    timestamp: 0,
    head: {
      listener: 'l',
      method: 'GET',
      uri: '/',
      rawHeaders: [],
      authority: 'a',
      scheme: 'http',
      httpVersion: '1.1',
      remoteAddress: '127.0.0.1',
    },
    body: { kind: 'memory', bytes: new Uint8Array(bytes), truncated: false, totalBytes: bytes },
    rule: 'r',
    target: 't',
    backendUrl: '',
    reason: 'connect',
    errorReason: '',
    requestSent: 'no',
    attempts: [],
    response: null,
    traceId: '',
  };
}

const idsOf = (packed: PackedCaptures): string[] => unpackCaptures(packed).map(({ id }) => id);

test('captures of one turn go to the keeper as one message, in their order', async () => {
  const { client: keeper, posted } = client();
  for (const id of ['a', 'b', 'c']) keeper.commit(capture(id), () => undefined);
  expect(posted).toEqual([]);
  await turn();
  expect(posted.map((message) => (message.type === 'captures' ? idsOf(message.captures) : message.type))).toEqual([
    ['a', 'b', 'c'],
  ]);
});

test('a great many captures of one turn go as several messages, the first of them before the turn ends', async () => {
  const { client: keeper, posted } = client();
  const ids = Array.from({ length: 100 }, (_, index) => `${index}`);
  for (const id of ids) keeper.commit(capture(id), () => undefined);
  expect(posted.length).toBeGreaterThan(1);
  await turn();
  const sent = posted.flatMap((message) => (message.type === 'captures' ? idsOf(message.captures) : []));
  expect(sent).toEqual(ids);
});

test('captures with large bodies go on before they are many: their bodies are there a second time in a message', () => {
  const { client: keeper, posted } = client();
  for (const id of ['a', 'b', 'c', 'd']) keeper.commit(capture(id, 200_000), () => undefined);
  expect(posted.map((message) => (message.type === 'captures' ? idsOf(message.captures) : []))).toEqual([
    ['a', 'b', 'c'],
  ]);
});

test('what waits for the disk counts in the budget, until it has an answer or the keeper is gone', async () => {
  const { client: keeper } = client();
  keeper.buffers = new Buffers();
  const results = ['a', 'b', 'c'].map((id) => new Promise((resolve) => keeper.commit(capture(id, 10_000), resolve)));
  const { used } = keeper.buffers;
  expect(used).toBeGreaterThanOrEqual(30_000);
  await turn();
  keeper.receive({ type: 'results', results: [['a', { kind: 'committed', partial: false }]] });
  expect(keeper.buffers.used).toBe((used / 3) * 2);
  keeper.detach('gone');
  await Promise.all(results);
  expect(keeper.buffers.used).toBe(0);
});

test('each capture hears its own result, once', async () => {
  const { client: keeper } = client();
  const heard: [string, CaptureResult][] = [];
  for (const id of ['a', 'b']) keeper.commit(capture(id), (result) => heard.push([id, result]));
  await turn();
  const committed: CaptureResult = { kind: 'committed', partial: false };
  const failed: CaptureResult = { kind: 'failed', why: 'full' };
  for (let times = 0; times < 2; times++) {
    keeper.receive({
      type: 'results',
      results: [
        ['b', failed],
        ['a', committed],
        ['unknown', committed],
      ],
    });
  }
  expect(heard).toEqual([
    ['b', failed],
    ['a', committed],
  ]);
});

test('what waits for the disk is bounded in bytes: beyond that a capture fails at once, with no message', async () => {
  const { client: keeper, posted } = client();
  keeper.captureBytes = 100_000;
  const heard: [string, CaptureResult][] = [];
  const commit = (id: string, bytes: number): void =>
    keeper.commit(capture(id, bytes), (result) => heard.push([id, result]));
  // One alone is taken whatever its size: nothing else would ever make room for it.
  commit('a', 150_000);
  commit('b', 1);
  expect(heard.map(([id]) => id)).toEqual(['b']);
  expect(heard[0]?.[1]).toMatchObject({
    kind: 'failed',
    why: expect.stringMatching(/^the disk is too slow: 15\d{4} bytes/),
  });
  await turn();
  expect(posted.map((message) => message.type === 'captures' && idsOf(message.captures))).toEqual([['a']]);
  // Room comes back with the result, and once.
  for (let times = 0; times < 2; times++) {
    keeper.receive({ type: 'results', results: [['a', { kind: 'committed', partial: false }]] });
  }
  for (let number = 0; number < 100; number++) commit(`c${number}`, 10_000);
  expect(heard.slice(2)).toHaveLength(92);
  keeper.detach('it crashed');
  expect(heard).toHaveLength(102);
});

test('a capture of nothing but heads takes room, too', () => {
  const { client: keeper } = client();
  keeper.captureBytes = 1_000_000;
  let failed = 0;
  for (let number = 0; number < 10_000; number++) keeper.commit(capture(`${number}`), () => failed++);
  expect(failed).toBeGreaterThan(9000);
});

test('the file of a capture that can not wait is dropped', () => {
  const { client: keeper, posted } = client();
  keeper.captureBytes = 1000;
  keeper.commit(capture('a', 2000), () => undefined);
  const file = keeper.open() ?? 0;
  keeper.commit({ ...capture('b'), body: { kind: 'file', file, truncated: false, totalBytes: 9 } }, () => undefined);
  expect(posted).toEqual([{ type: 'dropBody', file }]);
});

test('a keeper that goes away fails what it had not answered, and everything after it at once', async () => {
  const { client: keeper, posted } = client();
  const heard: CaptureResult[] = [];
  keeper.commit(capture('a'), (result) => heard.push(result));
  await turn();
  keeper.commit(capture('b'), (result) => heard.push(result));
  keeper.detach('it crashed');
  expect(heard).toEqual([
    { kind: 'failed', why: 'it crashed' },
    { kind: 'failed', why: 'it crashed' },
  ]);
  keeper.commit(capture('c'), (result) => heard.push(result));
  expect(heard[2]?.kind).toBe('failed');
  expect(keeper.open()).toBeNull();
  expect(keeper.write(1, new Uint8Array(1))).toBe('gone');
  expect(keeper.log({ time: 0, level: 'info', message: '', fields: {} })).toBe(false);
  await turn();
  expect(posted.filter(({ type }) => type === 'captures')).toHaveLength(1);
});

test('a new keeper gets nothing of what the old one was asked', async () => {
  const { client: keeper } = client();
  keeper.commit(capture('a'), () => undefined);
  keeper.detach('it crashed');
  const posted: ToKeeper[] = [];
  keeper.attach({ post: (message) => posted.push(message) });
  keeper.commit(capture('b'), () => undefined);
  await turn();
  expect(posted.map((message) => message.type === 'captures' && idsOf(message.captures))).toEqual([['b']]);
});

test('a body is busy from half of the backlog on, and gone beyond it', () => {
  const { client: keeper, posted } = client(1000);
  const file = keeper.open() ?? 0;
  expect(keeper.write(file, new Uint8Array(400))).toBe('ok');
  expect(keeper.write(file, new Uint8Array(200))).toBe('busy');
  expect(keeper.write(file, new Uint8Array(500))).toBe('gone');
  expect(posted.at(-1)).toEqual({ type: 'dropBody', file });
  // What was refused does not count: the rest of the backlog is still there for others.
  expect(keeper.write(keeper.open() ?? 0, new Uint8Array(400))).toBe('busy');
});

test('who waits for the disk is woken when a quarter is left, all at once, and once', () => {
  const { client: keeper } = client(1000);
  let woken = 0;
  keeper.write(keeper.open() ?? 0, new Uint8Array(900));
  keeper.drained(() => woken++);
  keeper.drained(() => woken++);
  keeper.receive({ type: 'written', bytes: 600 });
  expect(woken).toBe(0);
  keeper.receive({ type: 'written', bytes: 100 });
  expect(woken).toBe(2);
  keeper.receive({ type: 'written', bytes: 200 });
  expect(woken).toBe(2);
  keeper.drained(() => woken++);
  expect(woken).toBe(3);
});

test('a body that the keeper could not write is gone at the next piece, and only then forgotten', () => {
  const { client: keeper } = client();
  const file = keeper.open() ?? 0;
  const other = keeper.open() ?? 0;
  keeper.receive({ type: 'bodyFailed', file, why: 'quota' });
  expect(keeper.write(other, new Uint8Array(1))).toBe('ok');
  expect(keeper.write(file, new Uint8Array(1))).toBe('gone');
});

test('a file of which an earlier keeper has the beginning is given up, and later ones are not', () => {
  const { client: keeper, posted } = client();
  const file = keeper.open() ?? 0;
  keeper.write(file, new Uint8Array(10));
  keeper.detach('the keeper thread ended');
  keeper.attach({ post: (message) => posted.push(message) });
  expect(keeper.write(file, new Uint8Array(10))).toBe('gone');
  expect(keeper.write(keeper.open() ?? 0, new Uint8Array(10))).toBe('ok');
});

test('while the keeper hangs, log lines are not piled up for it', () => {
  const { client: keeper } = client();
  keeper.captureBytes = 1500;
  const line = { time: 0, level: 'info', message: 'm', fields: {} } as const;
  expect(keeper.log(line)).toBe(true);
  keeper.commit(capture('a'), () => undefined);
  expect(keeper.log(line)).toBe(false);
  keeper.receive({ type: 'results', results: [['a', { kind: 'committed', partial: false }]] });
  expect(keeper.log(line)).toBe(true);
});

import { connect, Socket } from 'node:net';
import { problem } from '../../src/accept/answer.ts';
import { Buffers } from '../../src/accept/buffers.ts';
import type { Caller } from '../../src/accept/node-caller.ts';
import { Seats } from '../../src/accept/node-seats.ts';
import { type ListenerOptions, startListener } from '../../src/accept/node-server.ts';
import { Turns } from '../../src/accept/node-turns.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';

const BODY = 65_536;
const CALLERS = 24;

const OPTIONS: ListenerOptions = {
  name: 'ambassador',
  hosts: ['127.0.0.1'],
  port: 0,
  tls: null,
  gate: null,
  keepAliveMs: 60_000,
  headTimeoutMs: 60_000,
  bodyIdleMs: 60_000,
  writeIdleMs: 60_000,
  headerBytes: 32_768,
  connections: 1000,
  tolerate: [],
  guard: { requestLine: 16_384, headerCount: 100, body: 0 },
};

interface Bound {
  readonly port: number;
  /** Requests that hold their bodies until the test answers them. */
  readonly open: Caller[];
}

async function startBound(bound: number): Promise<Bound> {
  const buffers = new Buffers();
  buffers.bound = bound;
  const seats = new Seats({ files: 4096, inFlight: () => 0, buffers });
  const open: Caller[] = [];
  const nothing = (): void => undefined;
  const owner = {
    callerGone: nothing,
    callerDrained: nothing,
    callerClosed: nothing,
    bodyReady: nothing,
    bodyFailed: nothing,
  };
  const request = (caller: Caller): void => {
    caller.open(owner, buffers);
    open.push(caller);
  };
  const events = { request, upgrade: nothing, refused: nothing, tolerated: nothing };
  const listener = await startListener(OPTIONS, events, seats);
  cleanUp(() => listener.destroy());
  return { port: Number(listener.addresses[0]?.split(':').at(-1)), open };
}

async function sendAll(port: number, count: number): Promise<{ sockets: Socket[]; answers: () => number }> {
  let answers = 0;
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1');
      cleanUp(() => void socket.destroy());
      socket.on('error', () => undefined);
      socket.on('data', (data) => (answers += String(data).split('HTTP/1.1 503').length - 1));
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    }),
  );
  return { sockets, answers: () => answers };
}

const post = (socket: Socket): boolean =>
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY}\r\n\r\n${'x'.repeat(BODY)}`);

/** Answers one a turn until `count` answers have come. */
async function answerAll(open: Caller[], answers: () => number, count: number): Promise<void> {
  await waitFor(
    () => {
      open.shift()?.answer(problem(503, 'Done.'));
      return answers() >= count;
    },
    { what: `${count} answers`, everyMs: 1 },
  );
}

test('callers who all send at once are all answered, round after round', async () => {
  const { port, open } = await startBound(4 * BODY);
  const { sockets, answers } = await sendAll(port, CALLERS);
  for (let round = 1; round <= 3; round += 1) {
    for (const socket of sockets) post(socket);
    await answerAll(open, answers, CALLERS * round);
  }
  expect(answers()).toBe(CALLERS * 3);
});

test('targets that do not answer keep nobody from being read for ever: there is room beyond the bound', async () => {
  const { port, open } = await startBound(4 * BODY);
  const { sockets } = await sendAll(port, CALLERS);
  for (const socket of sockets) post(socket);
  await waitFor(() => open.length === CALLERS, { what: 'every request' });
});

test('a connection that says nothing holds up nobody', async () => {
  const { port, open } = await startBound(BODY);
  const { sockets, answers } = await sendAll(port, CALLERS);
  for (const socket of sockets.slice(0, 4)) post(socket);
  await answerAll(open, answers, 4);
  const last = sockets.at(-1);
  if (last !== undefined) post(last);
  await answerAll(open, answers, 5);
  expect(answers()).toBe(5);
});

describe('at the bound', () => {
  class Paused extends Socket {
    paused = false;
    override pause(): this {
      this.paused = true;
      return this;
    }
    override resume(): this {
      this.paused = false;
      return this;
    }
  }

  const paused = (sockets: readonly Paused[]): boolean[] => sockets.map((socket) => socket.paused);

  test('no connection between two requests is read, nor a new one; as room comes, each is, in their order', async () => {
    const buffers = new Buffers();
    buffers.bound = BODY;
    const sockets = [new Paused(), new Paused(), new Paused()];
    const turns = new Turns(buffers, new Set(sockets));
    buffers.change(0, BODY - 1);
    expect(paused(sockets)).toEqual([false, false, false]);
    buffers.change(0, 1);
    const late = new Paused();
    turns.arrived(late);
    await new Promise((resolve) => setImmediate(resolve));
    const all = [...sockets, late];
    expect(paused(all)).toEqual([true, true, true, true]);
    buffers.change(1, 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(paused(all)).toEqual([false, true, true, true]);
    await waitFor(() => !turns.on, { what: 'the end of the turns' });
    expect(paused(all)).toEqual([false, false, false, false]);
  });

  /** The most that are let in at one look, while all of them wait and `each` holds so much. */
  async function mostAtOnce(each: number): Promise<number> {
    const buffers = new Buffers();
    const busy = Array.from({ length: 20 }, () => new Paused());
    buffers.bound = 20 * each;
    const sockets = Array.from({ length: 60 }, () => new Paused());
    const turns = new Turns(buffers, new Set([...busy, ...sockets]));
    buffers.change(0, 20 * each);
    for (const socket of busy) socket.resume();
    cleanUp(() => turns.end());
    let before = sockets.length;
    let most = 0;
    await waitFor(
      () => {
        const waiting = sockets.filter((socket) => socket.paused).length;
        most = Math.max(most, before - waiting);
        before = waiting;
        return waiting < 20;
      },
      { what: 'turns for most of them', everyMs: 1 },
    );
    return most;
  }

  test('many are let in at once where each holds little, and one where bodies are large', async () => {
    expect(await mostAtOnce(512)).toBeGreaterThanOrEqual(16);
    expect(await mostAtOnce(BODY)).toBeLessThanOrEqual(4);
  });

  test('where nothing is short, nobody waits', () => {
    const buffers = new Buffers();
    const socket = new Paused();
    const turns = new Turns(buffers, new Set([socket]));
    buffers.change(0, 2 ** 40);
    turns.rested(socket);
    expect([turns.on, socket.paused]).toEqual([false, false]);
  });

  test('whoever closes has read everything first', () => {
    const buffers = new Buffers();
    buffers.bound = 1;
    const sockets = [new Paused(), new Paused()];
    const turns = new Turns(buffers, new Set(sockets));
    buffers.change(0, 1);
    turns.end();
    expect(paused(sockets)).toEqual([false, false]);
    // A reload meanwhile.
    buffers.change(1, 0);
    buffers.bound = 1;
    buffers.change(0, 1);
    expect(paused(sockets)).toEqual([false, false]);
  });
});

/** limits.bufferBytes against those who send what nobody reads, don't read what they asked for, or read records by the hundred. */
import { connect, type Socket } from 'node:net';
import { cleanUp } from '../helpers/cleanup.ts';
import { startTarget, type TargetHandler } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { anonymousMemory } from '../helpers/process-facts.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';
import { generateChunks } from './data.ts';
import { transfer } from './transfer.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const MIB = 1024 * 1024;
const PEERS = FULL ? 1000 : 120;
const UPLOAD = 64 * MIB;
const BUDGET = (FULL ? 16 : 8) * MIB;
/** What is not counted: sockets and objects of each connection, and what the collector has not taken yet. */
const BESIDE = 24 * MIB;
const EACH = 24 * 1024;
const BOUND = BUDGET * 1.5 + BESIDE + PEERS * EACH;
const RECORD = FULL ? 40 * MIB : 8 * MIB;
const READERS = FULL ? 200 : 12;
const PIECE = Buffer.alloc(MIB, 'outrider ');

async function start(victim: TargetHandler): Promise<Outrider> {
  const quick = await startTarget((_, response) => void response.end('ok'));
  const target = await startTarget(victim, { early: true });
  const outrider = await startOutrider({
    outrider: { limits: { bufferBytes: BUDGET }, log: { access: 'none' } },
    routes: {
      targets: {
        quick: quick.url,
        victim: { urls: [{ url: target.url }], connections: { max: PEERS }, timeouts: { idle: '2s' } },
        gone: `http://127.0.0.1:${await closedPort()}`,
      },
      rules: [
        { name: 'victim', match: { paths: ['/victim'] }, target: 'victim' },
        { name: 'gone', match: { paths: ['/gone'] }, target: 'gone' },
      ],
      default: 'quick',
    },
    settleMs: 30_000,
  });
  // What the first requests load and compile is no cost of an attack.
  for (let n = 0; n < 20; n += 1) await sendRaw(outrider.port, GET);
  await waitFor(async () => (await sendRaw(outrider.port, DOWN)).responses[0]?.header('outrider-record'), {
    what: 'a record',
  });
  return outrider;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const DOWN = 'POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody';

/** The most that its own memory grew by, in bytes. */
function watchMemory(outrider: Outrider): () => number {
  const before = anonymousMemory(outrider.pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, anonymousMemory(outrider.pid));
  }, 20);
  cleanUp(() => clearInterval(timer));
  return () => most - before;
}

function openSocket(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => socket.destroy());
  cleanUp(() => void socket.destroy());
  return socket;
}

/** Sends all that is taken. */
function upload(port: number): Socket {
  const socket = openSocket(port);
  socket.write(`PUT /victim HTTP/1.1\r\nHost: a\r\nContent-Length: ${UPLOAD}\r\n\r\n`);
  let left = UPLOAD;
  const pour = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) return;
    }
  };
  socket.on('drain', pour);
  pour();
  return socket;
}

/** Reads nothing at all. */
function stare(port: number, head: string): Socket {
  const socket = openSocket(port);
  socket.pause();
  socket.write(head);
  return socket;
}

async function still(read: () => Promise<number> | number): Promise<void> {
  let last = -1;
  await waitFor(
    async () => {
      const now = await read();
      const same = now === last;
      last = now;
      return same;
    },
    { what: 'the numbers to stand still', everyMs: 400, timeoutMs: 60_000 },
  );
}

const value = async (outrider: Outrider, name: string, labels = {}): Promise<number> =>
  (await outrider.metrics()).value(name, labels);

const refused = (outrider: Outrider): Promise<number> =>
  value(outrider, 'outrider_rejected_total', { reason: 'buffers' });

async function expectBoundAndHealing(outrider: Outrider, sockets: readonly Socket[], what: string): Promise<void> {
  const turnedAway = await refused(outrider);
  const counted = await value(outrider, 'outrider_buffer_bytes');
  process.stderr.write(`${what}: ${(counted / MIB).toFixed(1)} MiB counted, ${turnedAway} refused\n`);
  for (const socket of sockets) socket.destroy();
  await waitFor(async () => (await value(outrider, 'outrider_buffer_bytes')) === 0, {
    what: 'everything to be given back',
    timeoutMs: 30_000,
  });
  const [answer] = (await sendRaw(outrider.port, DOWN)).responses;
  expect(answer?.header('outrider-record')).toBeDefined();
}

test(
  `${PEERS} uploads of 64 MiB that nobody reads stay within limits.bufferBytes: more of them are 503 with Retry-After`,
  async () => {
    // Neither the head of an answer nor a byte of the body.
    const outrider = await start(() => undefined);
    const grown = watchMemory(outrider);
    const sockets: Socket[] = [];
    const answers: string[] = [];
    for (let n = 0; n < PEERS; n += 1) {
      const socket = upload(outrider.port);
      socket.on('data', (chunk) => void answers.push(String(chunk)));
      sockets.push(socket);
      if (n % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor(async () => (await refused(outrider)) > 0, { what: 'refusals', timeoutMs: 60_000 });
    await still(() => anonymousMemory(outrider.pid) >> 20);
    const most = grown();
    process.stderr.write(`uploads: RssAnon ${(most / MIB).toFixed(1)} MiB more, at most ${(BOUND / MIB).toFixed(1)}\n`);
    expect(answers.some((answer) => answer.startsWith('HTTP/1.1 503 '))).toBe(true);
    // Those that were taken fail at the target in the end, and are kept.
    for (const answer of answers)
      expect(answer).toMatch(/^HTTP\/1\.1 (503 [\s\S]*retry-after: 1|504 [\s\S]*record: )/i);
    expect(most).toBeLessThan(BOUND);
    await expectBoundAndHealing(outrider, sockets, 'uploads');
  },
  FULL ? 240_000 : 60_000,
);

test(
  `${PEERS} callers that do not read large answers stay within limits.bufferBytes`,
  async () => {
    const outrider = await start((_received, response) => {
      response.writeHead(200, { 'content-length': String(UPLOAD) });
      let left = UPLOAD;
      const pour = (): void => {
        while (left > 0 && !response.destroyed) {
          left -= PIECE.length;
          if (!response.write(PIECE)) return;
        }
      };
      response.on('drain', pour);
      pour();
    });
    const grown = watchMemory(outrider);
    const sockets: Socket[] = [];
    for (let n = 0; n < PEERS; n += 1) {
      sockets.push(stare(outrider.port, 'GET /victim HTTP/1.1\r\nHost: a\r\n\r\n'));
      if (n % 25 === 24) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // As many more as it takes.
    await waitFor(
      async () => {
        sockets.push(stare(outrider.port, 'GET /victim HTTP/1.1\r\nHost: a\r\n\r\n'));
        return (await refused(outrider)) > 0;
      },
      { what: 'the end of the budget', everyMs: 50, timeoutMs: 60_000 },
    );
    await still(() => anonymousMemory(outrider.pid) >> 20);
    const most = grown();
    process.stderr.write(`readers: RssAnon ${(most / MIB).toFixed(1)} MiB more, at most ${(BOUND / MIB).toFixed(1)}\n`);
    expect(most).toBeLessThan(BOUND);
    await expectBoundAndHealing(outrider, sockets, 'readers');
  },
  FULL ? 240_000 : 60_000,
);

test(
  `${READERS} readers of one record of ${RECORD / MIB} MiB get it one after the other, or 503, and not all at once`,
  async () => {
    const outrider = await start(() => undefined);
    const head = `PUT /gone HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nContent-Length: ${RECORD}\r\n\r\n`;
    const answer = await transfer(outrider.port, head, generateChunks(7, RECORD));
    const id = answer.headers.get('outrider-record') ?? '';
    const before = await outrider.record(id);
    const grown = watchMemory(outrider);
    const port = Number(new URL(outrider.adminUrl).port);
    const statuses: number[] = [];
    let ended = 0;
    for (let n = 0; n < READERS; n += 1) {
      const socket = openSocket(port);
      socket.write(`GET /api/records/${id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      let isFirst = true;
      socket.on('data', (chunk) => {
        if (isFirst) statuses.push(Number(String(chunk).slice(9, 12)));
        isFirst = false;
      });
      socket.on('close', () => {
        ended += 1;
      });
    }
    await waitFor(() => ended === READERS, { what: 'all of them', timeoutMs: 120_000 });
    const most = grown();
    process.stderr.write(
      `records: RssAnon ${(most / MIB).toFixed(1)} MiB more for ${READERS} of ${RECORD / MIB} MiB\n`,
    );
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    // One at a time: its bytes, its texts, and those of the one before, which the collector may not have taken yet.
    expect(most).toBeLessThan(RECORD * 6 + BESIDE * 2);
    expect((await outrider.record(id)).body_sha256).toBe(before.body_sha256);
  },
  FULL ? 300_000 : 150_000,
);

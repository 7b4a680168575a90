/** Very many tunnels, and the end of the process while they are open. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { cleanUp } from '../helpers/cleanup.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { anonymousMemory } from '../helpers/process-facts.ts';
import { type RawTarget, startRawTarget } from '../helpers/raw-target.ts';
import { SWITCH, UPGRADE } from '../helpers/tunnel.ts';
import { waitFor } from '../helpers/wait.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
/** Each tunnel is two open files of Outrider's, and two of this process, which may have so many each. */
const OPEN_FILES = Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
const IDLE = FULL ? Math.min(10_000, Math.floor((OPEN_FILES - 500) / 2)) : 500;
/** What a socket in use costs; with a quarter of the tunnels the process's own growth weighs more. */
const BYTES_EACH = FULL ? 50_000 : 70_000;
const AT_ONCE = 100;

interface Caller {
  readonly socket: Socket;
  received: string;
  closed: boolean;
}

function startEchoing(): Promise<RawTarget> {
  return startRawTarget(async (connection) => {
    await connection.readHead();
    await connection.send(SWITCH);
    connection.socket.on('data', (chunk) => connection.socket.write(chunk));
  });
}

function call(port: number): Caller {
  const socket = connect({ port, host: '127.0.0.1' });
  const caller: Caller = { socket, received: '', closed: false };
  socket.on('data', (chunk) => {
    caller.received += String(chunk);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    caller.closed = true;
  });
  socket.write(UPGRADE);
  cleanUp(() => void socket.destroy());
  return caller;
}

async function openTunnels(port: number, count: number): Promise<Caller[]> {
  const callers: Caller[] = [];
  while (callers.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - callers.length) }, () => call(port));
    await waitFor(() => some.every(({ received }) => received.includes(' 101 ')), { what: 'the switches' });
    callers.push(...some);
  }
  return callers;
}

/** Every one of them carries this there and back. */
async function expectEchoes(callers: readonly Caller[], text: string): Promise<void> {
  for (const { socket } of callers) socket.write(text);
  await waitFor(() => callers.every(({ received }) => received.endsWith(text)), {
    what: 'all echoes',
    timeoutMs: 30_000,
  });
}

test(`W10 ${IDLE} idle tunnels cost less than ${BYTES_EACH / 1000} KB each, all live, and leave nothing behind`, async () => {
  const target = await startEchoing();
  const limits = { inFlight: 20_000, connections: 20_000 };
  const outrider = await startOutrider({ outrider: { limits }, routes: { targets: { t: target.url }, default: 't' } });
  const { pid } = outrider;
  // The code is warm, and what it keeps for ever is there.
  const first = await openTunnels(outrider.port, AT_ONCE);
  await expectEchoes(first, 'warm');
  const before = anonymousMemory(pid);
  const callers = await openTunnels(outrider.port, IDLE);
  expect((await outrider.metrics()).value('outrider_requests_in_flight')).toBe(IDLE + AT_ONCE);
  expect((anonymousMemory(pid) - before) / IDLE).toBeLessThan(BYTES_EACH);
  await expectEchoes(callers, 'still here');
  await expectEchoes(callers, 'and again');
  for (const { socket } of [...first, ...callers]) socket.destroy();
  await waitFor(async () => (await outrider.metrics()).value('outrider_requests_in_flight') === 0, {
    what: 'their end',
  });
  await waitFor(() => target.connections.every(({ socket }) => socket.destroyed), { what: 'the end at the target' });
}, 300_000);

test('W09 at SIGTERM 100 tunnels live on until shutdown.max, new ones are refused, then all end', async () => {
  const target = await startEchoing();
  const outrider = await startOutrider({
    outrider: { shutdown: { max: '2s' } },
    routes: { targets: { t: target.url }, default: 't' },
    checkLeaks: false,
    stopMs: 10_000,
  });
  const callers = await openTunnels(outrider.port, 100);
  const started = performance.now();
  const stopping = outrider.stop();
  await waitFor(() => outrider.logs.some(({ msg }) => msg.includes('signal')), { what: 'the signal' });
  await expectEchoes(callers, 'during the drain');
  const late = call(outrider.port);
  await waitFor(() => late.closed, { what: 'the refusal' });
  expect(late.received).toMatch(/^HTTP\/1\.1 503 /);
  expect(callers.some(({ closed }) => closed)).toBe(false);
  await stopping;
  expect(performance.now() - started).toBeGreaterThan(1900);
  await waitFor(() => callers.every(({ closed }) => closed), { what: 'the end of all' });
});

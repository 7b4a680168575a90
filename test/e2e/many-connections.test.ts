/** As many connections as there may be, and more than the process may open. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Child, startChild } from '../helpers/child.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { startTarget } from '../helpers/node-target.ts';
import { type Outrider, type OutriderOptions, startOutrider } from '../helpers/outrider.ts';
import { cpuMilliseconds, openDescriptors } from '../helpers/process-facts.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';
import { expectAlive, startCanary } from './canary.ts';

const FULL = process.env.OUTRIDER_TEST_FULL === '1';
const CONNECTIONS = FULL ? 10_000 : 800;
const CONTROL_MS = FULL ? 5000 : 1000;
const CROWD = join(import.meta.dirname, '../helpers/crowd.ts');

interface Crowd {
  readonly child: Child;
  /** What it said last. */
  state(): { readonly answered: number; readonly closed: number };
  leave(): Promise<void>;
}

function startCrowd(port: number, count: number): Crowd {
  const child = startChild(process.execPath, [CROWD, String(port), String(count)], { env: process.env });
  const leave = async (): Promise<void> => {
    child.process.kill('SIGKILL');
    await child.exited;
  };
  cleanUp(leave);
  return { child, state: () => JSON.parse(child.stdout.at(-1) ?? '{"answered":0,"closed":0}'), leave };
}

async function start(limits: object, more: OutriderOptions = {}): Promise<Outrider> {
  const target = await startTarget((_, response) => void response.end('ok'));
  return startOutrider({
    outrider: { limits, log: { access: 'none' } },
    routes: { targets: { t: target.url }, default: 't' },
    settleMs: 30_000,
    ...more,
  });
}

async function refused(outrider: Outrider): Promise<number> {
  return (await outrider.metrics()).value('outrider_rejected_total', { reason: 'connections' });
}

const ask = async (port: number): Promise<number | undefined> =>
  (await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).responses[0]?.status;

test(
  `L08 ${CONNECTIONS} connections are open, each was answered, one more is refused, and nobody waits`,
  async () => {
    const canary = await startCanary();
    const routes = { targets: { t: canary.url }, default: 't' };
    const outrider = await start({ connections: CONNECTIONS + 1 }, { routes });
    canary.sing(outrider.port, '/canary');
    const control = await canary.listen(CONTROL_MS);
    const crowd = startCrowd(outrider.port, CONNECTIONS);
    await waitFor(() => crowd.state().answered === CONNECTIONS, { what: 'all of them', timeoutMs: 120_000 });
    expectAlive(canary, control, await canary.listen(CONTROL_MS), `${CONNECTIONS} connections are there`);
    expect((await sendRaw(outrider.port, '')).ended).toBe('closed');
    await waitFor(async () => (await refused(outrider)) === 1, { what: 'the count' });
    expect((await outrider.waitForLog(({ detail }) => String(detail).includes('connections are open'))).reason).toBe(
      'connections',
    );
    expect(crowd.state().closed).toBe(0);
    await crowd.leave();
    // As soon as it is known that they have left.
    await waitFor(async () => (await ask(outrider.port)) === 200, { what: 'room for another', timeoutMs: 30_000 });
  },
  FULL ? 300_000 : 60_000,
);

test('L08 where the process may open few files, more connections are refused with the reason, and it serves on', async () => {
  const outrider = await start({}, { files: 600 });
  const crowd = startCrowd(outrider.port, 700);
  await waitFor(() => crowd.state().closed > 100, { what: 'refusals', timeoutMs: 30_000 });
  const { answered } = crowd.state();
  expect(answered).toBeGreaterThan(300);
  expect(await refused(outrider)).toBeGreaterThan(100);
  await outrider.waitForLog(({ detail }) => String(detail).includes('ulimit -n'));
  await expectIdle(outrider);
  await crowd.leave();
  await waitFor(async () => (await ask(outrider.port)) === 200, { what: 'service', timeoutMs: 30_000 });
});

test('L08 where there are no descriptors left all the same, it neither ends nor spins, and serves on afterwards', async () => {
  // The system's library keeps a descriptor to give up in such a case, and takes a new one when it can.
  const outrider = await start({}, { checkLeaks: false });
  expect(await ask(outrider.port)).toBe(200);
  const files = openDescriptors(outrider.pid).length + 40;
  // It has looked at its limit when it started: now there is less than it believes.
  expect(spawnSync('prlimit', ['--pid', String(outrider.pid), `--nofile=${files}:${files}`]).status).toBe(0);
  const crowd = startCrowd(outrider.port, 300);
  await waitFor(() => crowd.state().closed > 50, { what: 'connections that the system refused', timeoutMs: 30_000 });
  await expectIdle(outrider);
  await crowd.leave();
  await waitFor(async () => (await ask(outrider.port)) === 200, { what: 'service', timeoutMs: 30_000 });
});

/** It does not ask the system again and again for what it can't get. */
async function expectIdle(outrider: Outrider): Promise<void> {
  const share = async (): Promise<number> => {
    const [cpu, began] = [cpuMilliseconds(outrider.pid), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 300));
    return (cpuMilliseconds(outrider.pid) - cpu) / (performance.now() - began);
  };
  await waitFor(async () => (await share()) < 0.5, { what: 'the process to be idle', timeoutMs: 20_000 });
}

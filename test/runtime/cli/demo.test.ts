import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Echo } from '../../../src/runtime/cli/node-demo-targets.ts';
import { temporaryFolder } from '../../helpers/cleanup.ts';
import {
  type Demo,
  demoArguments,
  freeDemoPorts,
  startDemo,
  startOutriderCommand,
  stopDemo,
} from '../../helpers/demo.ts';
import { occupyPort } from '../../helpers/ports.ts';
import { waitFor } from '../../helpers/wait.ts';

const get = (url: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(url, { ...init, headers: { connection: 'close', ...headers } });

async function echoFor({ ports }: Demo, headers: Record<string, string>): Promise<Echo> {
  const answer = await get(`http://localhost:${ports.port}/hello`, headers);
  expect(answer.status).toBe(200);
  return JSON.parse(await answer.text());
}

describe('a demo that runs', () => {
  let demo: Demo;
  beforeAll(async () => {
    demo = await startDemo({ shared: true });
  }, 30_000);

  test('prints four numbered things to try, with the ports it really has', () => {
    const said = demo.child.stdout.join('\n');
    const { port, metricsPort, adminPort } = demo.ports;
    expect(demo.child.stdout.filter((line) => /^\d\. /.test(line))).toHaveLength(4);
    expect(demo.child.stdout.filter((line) => line.startsWith('   curl -s'))).toHaveLength(4);
    for (const one of [port, metricsPort, adminPort]) expect(said).toContain(`localhost:${one}/`);
    expect(said).not.toMatch(/localhost:50\d\d\//);
  });

  test('routes by the environment header, with prod as the default, and patches headers', async () => {
    const [dev, qa, none] = [
      await echoFor(demo, { environment: 'dev' }),
      await echoFor(demo, { environment: 'qa' }),
      await echoFor(demo, {}),
    ];
    expect([dev.target, qa.target, none.target]).toEqual(['dev', 'qa', 'prod']);
    expect(qa.headers).toMatchObject({ Host1a: 'qa', dispatched: 'true' });
    expect(none.headers).not.toHaveProperty('Host1a');
  });

  test('keeps what the broken target refuses, under the id that the caller got', async () => {
    const { port, adminPort } = demo.ports;
    const init = { method: 'POST', body: 'order=7' };
    const answer = await get(`http://localhost:${port}/orders`, { environment: 'broken' }, init);
    expect(answer.status).toBe(503);
    const id = answer.headers.get('outrider-record') ?? 'no record';
    const record = JSON.parse(await (await get(`http://localhost:${adminPort}/api/records/${id}`)).text());
    expect(record).toMatchObject({ id, uri: '/orders', body: 'order=7', reason: 'status', state: 'held' });
  });

  test('keeps a request whose connection the broken target resets', async () => {
    const { port, adminPort } = demo.ports;
    const answer = await get(`http://localhost:${port}/reset/1`, { environment: 'broken' });
    const id = answer.headers.get('outrider-record') ?? 'no record';
    const record = JSON.parse(await (await get(`http://localhost:${adminPort}/api/records/${id}`)).text());
    expect(record).toMatchObject({ uri: '/reset/1', reason: 'reset', request_sent: 'yes', state: 'held' });
  });

  test('counts requests by rule and target', async () => {
    await echoFor(demo, { environment: 'qa' });
    const text = await (await get(`http://localhost:${demo.ports.metricsPort}/metrics`)).text();
    expect(text).toMatch(/^outrider_requests_total\{.*rule="qa".*target="qa".*\} [1-9]/m);
  });

  test('follows an edit of its routes', async () => {
    const file = join(demo.dir, 'var', `demo-${demo.ports.port}`, 'routes.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('Host1a: qa, dispatched', 'Host1a: edited, dispatched'));
    await waitFor(async () => (await echoFor(demo, { environment: 'qa' })).headers.Host1a === 'edited', {
      what: 'the edited header',
    });
  });

  test('keeps its spool under var', () => {
    expect(existsSync(join(demo.dir, 'var', `demo-${demo.ports.port}`, 'spool'))).toBe(true);
  });
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends it with code 0 and frees its ports',
  async (signal) => {
    const { child, ports } = await startDemo();
    child.process.kill(signal);
    child.process.kill(signal);
    const exit = await child.exited;
    expect({ exit, stderr: child.stderr }).toEqual({ exit: { code: 0, signal: null }, stderr: [] });
    for (const port of [ports.port, ports.metricsPort, ports.adminPort, ports.targetPort]) {
      await (await occupyPort(port)).release();
    }
  },
  30_000,
);

test('a Ctrl-C while it starts ends it, and frees its ports', async () => {
  const [ports, dir] = [await freeDemoPorts(), temporaryFolder()];
  const child = startOutriderCommand(demoArguments(ports), dir);
  // It has its ports' configuration, and nothing else yet.
  await waitFor(() => existsSync(join(dir, 'var', `demo-${ports.port}`, 'routes.yaml')), {
    what: 'its routes',
    everyMs: 1,
  });
  await stopDemo(child);
  expect(child.stderr).toEqual([]);
  for (const port of [ports.port, ports.targetPort]) await (await occupyPort(port)).release();
});

test.each([
  ['port', '--port', 'listeners[0].address in outrider.yaml'],
  ['metricsPort', '--metrics-port', 'metrics.address in outrider.yaml'],
  ['adminPort', '--admin-port', 'admin.address in outrider.yaml'],
  ['targetPort', '--target-port', 'targets.dev in routes.yaml'],
] as const)('a busy %s is one line that names it, and exit code 1', async (which, option, key) => {
  const ports = await freeDemoPorts();
  const busy = await occupyPort(ports[which]);
  const dir = temporaryFolder();
  const child = startOutriderCommand(demoArguments(ports), dir);
  expect(await child.exited).toEqual({ code: 1, signal: null });
  await busy.release();
  expect([...child.stdout, ...child.stderr]).toEqual([
    `outrider: port ${ports[which]} is in use: choose another with ${option} (the key is ${key})`,
  ]);
  expect(existsSync(join(dir, 'var'))).toBe(false);
});

test.each([
  [{ port: 0 }, '--port: there is no port 0'],
  [{ targetPort: 65_533 }, '--target-port: there is no port 65536'],
  [{ adminPort: 5090 }, '--admin-port: port 5090 has a use already'],
])('ports that make no sense (%j) are a usage error', async (change, message) => {
  const base = { port: 5000, metricsPort: 5090, adminPort: 5091, targetPort: 5101, ...change };
  const child = startOutriderCommand(demoArguments(base), temporaryFolder());
  expect(await child.exited).toEqual({ code: 64, signal: null });
  expect(child.stderr).toEqual([`outrider: ${message}`]);
});

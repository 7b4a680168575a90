import { spawnSync } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { degradations } from '../../src/watch/degradations.ts';
import { createHealth, type ProcessState } from '../../src/watch/health.ts';
import { Meter } from '../../src/watch/meter.ts';
import { createRegistry } from '../../src/watch/metrics.ts';
import { ListenError, parseAddress } from '../../src/watch/node-listen.ts';
import { startMetricsServer } from '../../src/watch/node-metrics-server.ts';
import type { Sources } from '../../src/watch/sources.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
import { parseExposition, sampleValue } from './exposition.ts';
import { sourcesAtRest } from './sources.ts';

async function start(address: string, process: Partial<ProcessState> = {}, sources: Sources = sourcesAtRest()) {
  const meter = new Meter(() => undefined);
  const { memory, definitions } = meter;
  const state = { configParsed: true, listenersBound: true, draining: false, ...process };
  const registry = createRegistry({ memory, definitions, sources });
  const server = await startMetricsServer({
    address,
    health: createHealth(() => state),
    exposition: () => registry.exposition(),
    degraded: async () => degradations(sources),
  });
  cleanUp(() => server.close());
  return {
    ...server,
    meter,
    get: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init),
  };
}

test('serves the exposition, and each scrape is one of the moment', async () => {
  const { get, meter } = await start('127.0.0.1:0');
  const bytes = meter.counter('outrider_request_bytes_total', {});
  for (const expected of [3, 6]) {
    bytes.add(3);
    const answer = await get('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(sampleValue(parseExposition(await answer.text()), 'outrider_request_bytes_total')).toBe(expected);
  }
});

test('promtool, where it is installed, finds nothing wrong with a scrape', async () => {
  const { get, meter } = await start('127.0.0.1:0');
  meter.gauge('outrider_circuit_breaker_state', { target: 'a"b\\c' }).set(1);
  const input = await (await get('/metrics')).text();
  const checked = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  const { error, status } = checked;
  const ours = `${checked.stdout}${checked.stderr}`.split('\n').filter((line) => line.includes('outrider'));
  // Not installed: the strict reader is what holds everywhere. 3: only default metrics are complained of.
  if (error !== undefined) expect(error).toMatchObject({ code: 'ENOENT' });
  else expect({ parsed: status === 0 || status === 3, ours }).toEqual({ parsed: true, ours: [] });
});

test('answers the three probes with ok, and with what is degraded when asked', async () => {
  const sources = sourcesAtRest({ spool: () => null });
  const { get } = await start('127.0.0.1:0', {}, sources);
  for (const path of ['/livez', '/readyz', '/startupz']) {
    const answer = await get(path);
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, 'ok\n']);
  }
  const verbose = await get('/readyz?verbose');
  expect(verbose.status).toBe(200);
  const lines = (await verbose.text()).split('\n');
  expect(lines).toContain('[-]degraded: spool: not available, failed requests are not kept');
  expect(lines.slice(-2)).toEqual(['readyz check passed', '']);
});

test('a scrape that can not be had is 503 with the reason, and every probe is answered all the same', async () => {
  const health = createHealth(() => ({ configParsed: true, listenersBound: true, draining: false }));
  const silent = () => Promise.reject(new Error('the keeper thread has not answered\nwithin 5 s'));
  const never = new Promise<readonly string[]>(() => undefined);
  const options = { address: '127.0.0.1:0', health, exposition: silent, degraded: () => never };
  const server = await startMetricsServer(options);
  cleanUp(() => server.close());
  const scrape = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  expect([scrape.status, await scrape.text()]).toEqual([503, 'the keeper thread has not answered within 5 s\n']);
  for (const path of ['/livez', '/readyz', '/startupz', '/livez?verbose']) {
    expect((await fetch(`http://127.0.0.1:${server.port}${path}`)).status).toBe(200);
  }
});

test('answers 503 with the reason when a check fails', async () => {
  const { get } = await start('127.0.0.1:0', { listenersBound: false });
  const answer = await get('/readyz');
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('[-]listener: not bound yet\n');
  expect((await get('/livez')).status).toBe(200);
});

test('answers HEAD without a body, 405 to other methods, 404 elsewhere', async () => {
  const { get } = await start('127.0.0.1:0');
  const head = await get('/metrics', { method: 'HEAD' });
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1000);
  expect(await head.text()).toBe('');
  const post = await get('/metrics', { method: 'POST', body: 'x' });
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect((await get('/')).status).toBe(404);
  expect((await get('/metrics/x')).status).toBe(404);
});

test('* listens on every address, of both families where there are two', async () => {
  const { port, get } = await start('*:0');
  expect((await get('/livez')).status).toBe(200);
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ address }) => !address.startsWith('fe80:'));
  for (const { address, family } of reachable) {
    const host = family === 'IPv6' ? `[${address}]` : address;
    expect([host, (await fetch(`http://${host}:${port}/livez`)).status]).toEqual([host, 200]);
  }
});

test('localhost listens on the loopback addresses, at one port, and on nothing else', async () => {
  const { addresses, port } = await start('localhost:0');
  expect(addresses).toContain(`127.0.0.1:${port}`);
  for (const address of addresses) expect([`127.0.0.1:${port}`, `[::1]:${port}`]).toContain(address);
});

test('a busy port is told with its number and its key, and nothing stays bound', async () => {
  const busy: Server = createServer();
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  cleanUp(() => new Promise<void>((resolve) => busy.close(() => resolve())));
  const address = busy.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const failure = await start(`127.0.0.1:${port}`).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ListenError);
  expect(failure).toMatchObject({
    key: 'metrics.address',
    code: 'EADDRINUSE',
    message: `port ${port} is busy: free it, or set metrics.address (now 127.0.0.1:${port}) to another`,
  });
});

test('an address of another machine is told, with the key', async () => {
  const failure = await start('192.0.2.1:0').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'EADDRNOTAVAIL', message: expect.stringContaining('set metrics.address') });
});

test('whoever holds all connections that there may be keeps no probe out: the oldest makes room', async () => {
  const { get, port } = await start('127.0.0.1:0');
  const sockets: Socket[] = [];
  for (let i = 0; i < 200; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => socket.destroy());
    sockets.push(socket.resume());
    await new Promise((resolve) => socket.once('connect', resolve));
  }
  for (let i = 0; i < 5; i++) {
    const answer = await get('/livez', { headers: { connection: 'close' } });
    expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
  }
  await waitFor(() => sockets.filter(({ closed }) => !closed).length <= 128, { what: 'the oldest to be closed' });
  expect(sockets.at(-1)?.closed).toBe(false);
  for (const socket of sockets) socket.destroy();
});

test('closing is repeatable and cuts a connection that would keep it open', async () => {
  const { get, close } = await start('127.0.0.1:0');
  await get('/livez');
  await Promise.all([close(), close()]);
  await expect(get('/livez')).rejects.toThrow();
});

test.each([
  ['localhost:5000', { host: 'localhost', port: 5000 }],
  ['*:0', { host: '*', port: 0 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
])('reads the address %s', (address, parsed) => {
  expect(parseAddress(address)).toEqual(parsed);
});

test.each(['localhost', ':5000', '::1:5000', 'a:65536', 'a:b', ''])('refuses the address %p', (address) => {
  expect(() => parseAddress(address)).toThrow(RangeError);
});

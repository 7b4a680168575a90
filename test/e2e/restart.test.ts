import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider as cli } from '../helpers/cli.ts';
import { crashWorkerWhen } from '../helpers/crash-worker.ts';
import { startTarget } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort, occupyPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { runLoad } from './load.ts';

const plain = { headers: { connection: 'close' } };

/** `up` answers 200, everything else goes to a target that is away. */
async function routesWithOneDown(): Promise<Readonly<Record<string, unknown>>> {
  const target = await startTarget();
  return {
    targets: { up: target.url, down: `http://127.0.0.1:${await closedPort()}` },
    rules: [{ name: 'up', match: { paths: ['/up'] }, target: 'up' }],
    default: 'down',
  };
}

const ask = (outrider: Outrider, path: string): Promise<Response> => fetch(`${outrider.url}${path}`, plain);

async function readyz(outrider: Outrider): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${outrider.metricsUrl}/readyz?verbose`, plain);
  return { status: answer.status, text: await answer.text() };
}

const said = (outrider: Outrider, part: string): number => outrider.logs.filter(({ msg }) => msg.includes(part)).length;

/** What holds whatever is away: live traffic, and readiness. */
async function expectServing(outrider: Outrider): Promise<void> {
  expect((await ask(outrider, '/up')).status).toBe(200);
  expect((await readyz(outrider)).status).toBe(200);
}

describe('a restart onto a broken configuration', () => {
  test('of the same pod runs the last good one, says so, and takes the next good edit', async () => {
    const routes = await routesWithOneDown();
    const outrider = await startOutrider({ routes, env: { POD_UID: 'pod-a' } });
    await outrider.stop();
    outrider.editRoutes('targets: {up: 7\n');
    await outrider.start();
    await expectServing(outrider);
    const metrics = await outrider.metrics();
    expect([metrics.value('config_stale'), metrics.value('config_last_reload_successful')]).toEqual([1, 0]);
    expect((await readyz(outrider)).text).toMatch(/degraded: config: .*last good/);
    expect(said(outrider, 'configuration rejected')).toBe(1);
    outrider.editRoutes({ ...routes, default: 'up' });
    await waitFor(async () => (await ask(outrider, '/other')).status === 200, { what: 'the next good edit' });
    await waitFor(async () => (await outrider.metrics()).value('config_stale') === 0, { what: 'the end of stale' });
  }, 40_000);

  test('of a new pod on the same volume exits 64 with the mistake', async () => {
    const outrider = await startOutrider({ routes: await routesWithOneDown(), env: { POD_UID: 'pod-a' } });
    await outrider.stop();
    outrider.editRoutes('targets: {up: "ftp://x"}\ndefault: up\n');
    const run = { env: { POD_UID: 'pod-b' }, cwd: outrider.dir };
    const { code, stderr } = await cli(['run', '--config', outrider.configDir], run);
    expect(code).toBe(64);
    expect(stderr).toMatch(/routes\.yaml:1:15: targets\.up/);
  }, 40_000);
});

describe('traffic goes on', () => {
  test('without Kafka: failures are kept and answered, one line and a metric tell of the mirror', async () => {
    const outrider = await startOutrider({
      outrider: { kafka: { brokers: [`127.0.0.1:${await closedPort()}`] } },
      routes: await routesWithOneDown(),
    });
    for (let n = 0; n < 5; n += 1) expect((await ask(outrider, '/')).headers.get('outrider-record')).not.toBeNull();
    await outrider.waitForLog('Kafka takes no records');
    // Its second attempt has failed too by then, without a second line.
    await waitFor(async () => (await outrider.metrics()).value('mirror_records_total', { result: 'failed' }) >= 10, {
      what: 'another attempt',
    });
    await expectServing(outrider);
    const metrics = await outrider.metrics();
    expect([metrics.value('mirror_up'), metrics.value('mirror_pending_records')]).toEqual([0, 5]);
    expect((await readyz(outrider)).text).toMatch(/degraded: mirror: 5 records wait for Kafka/);
    expect(said(outrider, 'Kafka takes no records')).toBe(1);
  }, 40_000);

  test('without a disk: failures are answered without an id, and kept again once it is there', async () => {
    const path = join(temporaryFolder(), 'volume');
    writeFileSync(path, 'no folder');
    const outrider = await startOutrider({ outrider: { spool: { path } }, routes: await routesWithOneDown() });
    const answer = await ask(outrider, '/');
    expect([answer.status, answer.headers.get('outrider-capture')]).toEqual([502, 'failed']);
    expect(answer.headers.get('outrider-record')).toBeNull();
    await expectServing(outrider);
    expect((await readyz(outrider)).text).toMatch(/degraded: spool: /);
    expect((await outrider.metrics()).value('spool_errors_total')).toBeGreaterThan(0);
    rmSync(path);
    mkdirSync(path);
    await outrider.waitForLog('the spool is available again');
    expect(said(outrider, 'the spool is not available')).toBe(1);
    const kept = (await ask(outrider, '/')).headers.get('outrider-record') ?? 'no id';
    expect(await outrider.record(kept)).toMatchObject({ id: kept, reason: 'connect' });
  }, 40_000);

  test('when the spool is removed under it: what it promises after that is on disk again', async () => {
    const outrider = await startOutrider({ routes: await routesWithOneDown() });
    await ask(outrider, '/');
    rmSync(outrider.spoolDir, { recursive: true });
    await outrider.waitForLog(({ msg }) => msg.includes('spool'), 15_000);
    await expectServing(outrider);
    const idOf = async (): Promise<string | null> => (await ask(outrider, '/')).headers.get('outrider-record');
    const id = await waitFor(idOf, { what: 'a record' });
    await outrider.restart();
    expect(await outrider.record(id)).toMatchObject({ id });
  }, 40_000);

  test('with its admin port taken: one line names the port', async () => {
    const busy = await occupyPort();
    try {
      const outrider = await startOutrider({
        outrider: { admin: { address: `localhost:${busy.port}` } },
        routes: await routesWithOneDown(),
      });
      await expectServing(outrider);
      expect((await ask(outrider, '/')).headers.get('outrider-record')).not.toBeNull();
      expect((await readyz(outrider)).text).toContain(String(busy.port));
      expect(said(outrider, String(busy.port))).toBe(1);
    } finally {
      await busy.release();
    }
  }, 40_000);

  test('when the keeper thread crashes: it is told once, and failures are kept again', async () => {
    const trigger = join(temporaryFolder(), 'crash');
    const outrider = await startOutrider({
      outrider: {
        metrics: { address: `localhost:${await closedPort()}` },
        admin: { address: `localhost:${await closedPort()}` },
      },
      routes: await routesWithOneDown(),
      nodeArgs: ['--import', crashWorkerWhen(trigger)],
      // The new keeper's servers are other descriptors than those at the start.
      checkLeaks: false,
    });
    const failures = new Failures(outrider.port);
    await waitFor(() => failures.ids.length >= 50, { what: 'records by the first keeper' });
    writeFileSync(trigger, '');
    await outrider.waitForLog('the keeper thread failed');
    expect((await ask(outrider, '/up')).status).toBe(200);
    const before = failures.ids.length;
    await waitFor(() => failures.ids.length >= before + 50, { what: 'records by the second keeper' });
    await failures.end();
    const kept = new Set((await outrider.records()).map(({ id }) => id));
    expect(failures.ids.filter((id) => !kept.has(id))).toEqual([]);
    expect(failures.wrong).toEqual([]);
    await expectServing(outrider);
    expect(said(outrider, 'the keeper thread failed')).toBe(1);
  }, 40_000);
});

/** Callers whose requests all fail; each is answered 502, with an id or with the word that there is none. */
class Failures {
  readonly ids: string[] = [];
  readonly wrong: string[] = [];
  #running = true;
  readonly #ended: Promise<void>;

  constructor(port: number) {
    this.#ended = runLoad({
      port,
      connections: 8,
      request: () => (this.#running ? 'GET /down HTTP/1.1\r\nHost: app\r\n\r\n' : null),
      answered: (n, { status, header }) => {
        const id = header('outrider-record');
        if (id !== undefined) this.ids.push(id);
        if (status !== 502 || (id === undefined) !== (header('outrider-capture') === 'failed')) {
          this.wrong.push(`${n}: ${status} ${id} ${header('outrider-capture')}`);
        }
      },
    });
  }

  async end(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }
}

describe('SIGTERM', () => {
  /** Milliseconds until it has ended, which stop() requires to be with code 0 and nothing left behind. */
  async function stopTime(outrider: Outrider): Promise<number> {
    const began = performance.now();
    outrider.signal('SIGTERM');
    await outrider.stop();
    return performance.now() - began;
  }

  test.each([
    { mode: 'drain', atLeastMs: 1000 },
    { mode: 'native', atLeastMs: 0 },
  ])(
    '$mode: ends by itself with code 0, also with records that wait for Kafka',
    async ({ mode, atLeastMs }) => {
      const outrider = await startOutrider({
        outrider: { shutdown: { mode }, kafka: { brokers: [`127.0.0.1:${await closedPort()}`] } },
        routes: await routesWithOneDown(),
      });
      await ask(outrider, '/up');
      const id = (await ask(outrider, '/')).headers.get('outrider-record') ?? 'no id';
      await outrider.waitForLog('Kafka takes no records');
      const ms = await stopTime(outrider);
      process.stderr.write(`SIGTERM, ${mode}: ended after ${Math.round(ms)} ms\n`);
      expect(ms).toBeGreaterThanOrEqual(atLeastMs);
      expect(ms).toBeLessThan(atLeastMs + 4000);
      await outrider.start();
      expect(await outrider.record(id)).toMatchObject({ id, mirror: 'waiting' });
    },
    40_000,
  );
});

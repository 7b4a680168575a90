import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { startTarget, type Target } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { waitFor } from '../helpers/wait.ts';
import { runLoad } from './load.ts';

const EDITS = 100;
const CONNECTIONS = 24;

/** A configuration whose number shows in five places, which must agree in every answer. */
function generation(n: number, [even, odd]: readonly [Target, Target]): Readonly<Record<string, unknown>> {
  const set = (name: string) => ({ headers: { set: { [name]: String(n) } } });
  return {
    targets: {
      even: { urls: [{ url: even.url }], request: set('x-target') },
      odd: { urls: [{ url: odd.url }], request: set('x-target') },
    },
    rules: [
      {
        name: 'all',
        match: { paths: ['/api/*'] },
        request: { ...set('x-rule'), path: { replacePrefix: `/g${n}` } },
        response: set('x-answer'),
        target: n % 2 === 0 ? 'even' : 'odd',
      },
    ],
    default: 'reject',
  };
}

/** Answers with what shows the configuration's number at a target. */
const witness = (name: string): Promise<Target> =>
  startTarget(({ headers, uri }, response) => {
    const seen = `${name} ${headers['x-target']} ${headers['x-rule']} ${uri}`;
    response.writeHead(200, { 'content-length': seen.length }).end(seen);
  });

const expected = (n: number): string => `${n % 2 === 0 ? 'even' : 'odd'} ${n} ${n} /g${n}/x`;

class Traffic {
  readonly wrong: string[] = [];
  readonly seen = new Set<number>();
  answers = 0;
  latest = -1;
  #running = true;
  readonly #began = performance.now();
  readonly #ended: Promise<void>;

  constructor(port: number) {
    this.#ended = runLoad({
      port,
      connections: CONNECTIONS,
      request: () => (this.#running ? 'GET /api/x HTTP/1.1\r\nHost: app\r\n\r\n' : null),
      answered: (n, { status, body, header }) => {
        this.answers += 1;
        const number = Number(header('x-answer') ?? Number.NaN);
        if (status !== 200 || String(body) !== expected(number)) this.wrong.push(`${n}: ${status} ${number}: ${body}`);
        this.latest = number;
        this.seen.add(number);
      },
      broken: (n, reason) => this.wrong.push(`${n}: ${String(reason)}`),
    });
  }

  until(n: number): Promise<unknown> {
    return waitFor(() => this.latest === n, { what: `answers of configuration ${n}`, timeoutMs: 15_000, everyMs: 2 });
  }

  /** Gives the requests per second. */
  async end(): Promise<number> {
    this.#running = false;
    await this.#ended;
    return Math.round((this.answers * 1000) / (performance.now() - this.#began));
  }
}

const reloadSucceeded = async (outrider: Outrider): Promise<number> =>
  (await outrider.metrics()).value('config_last_reload_successful');

/** Of the edits, one in `waitEvery` is waited for; the others come in bursts, faster than each can be taken over. */
async function editUnderLoad(
  outrider: Outrider,
  waitEvery: number,
  edit: (n: number | 'broken') => void,
): Promise<Traffic> {
  const traffic = new Traffic(outrider.port);
  for (let n = 1; n <= EDITS; n += 1) {
    edit(n);
    if (n % waitEvery === 0) await traffic.until(n);
    else await pause(n % 3);
    if (n !== EDITS / 2) continue;
    edit('broken');
    await waitFor(async () => (await reloadSucceeded(outrider)) === 0, { what: 'the refusal' });
    await traffic.until(n);
  }
  const rate = await traffic.end();
  process.stderr.write(
    `reload: ${EDITS} edits under ${rate} requests/s, ${traffic.seen.size} configurations seen, ` +
      `${traffic.wrong.length} of ${traffic.answers} answers wrong\n`,
  );
  expect(traffic.seen.size).toBeGreaterThan(EDITS / waitEvery);
  return traffic;
}

async function expectConsistent(outrider: Outrider, traffic: Traffic): Promise<void> {
  expect(traffic.wrong.slice(0, 10)).toEqual([]);
  expect(traffic.latest).toBe(EDITS);
  expect(await reloadSucceeded(outrider)).toBe(1);
  expect(await outrider.records()).toEqual([]);
}

test('100 edits by rename under load: every answer is of one whole configuration, and the last one wins', async () => {
  const targets = [await witness('even'), await witness('odd')] as const;
  const outrider = await startOutrider({ routes: generation(0, targets) });
  const traffic = await editUnderLoad(outrider, 10, (n) =>
    outrider.editRoutes(n === 'broken' ? 'targets: {even: \nrules: 7' : generation(n, targets)),
  );
  await expectConsistent(outrider, traffic);
}, 90_000);

test('100 swaps of a ConfigMap volume under load: the same', async () => {
  const targets = [await witness('even'), await witness('odd')] as const;
  const volume = new ConfigMapVolume(temporaryFolder(), JSON.stringify(generation(0, targets)));
  const outrider = await startOutrider({ dir: volume.folder, configDir: volume.mount });
  const traffic = await editUnderLoad(outrider, 2, (n) =>
    volume.publish(n === 'broken' ? 'default: nowhere\n' : JSON.stringify(generation(n, targets))),
  );
  await expectConsistent(outrider, traffic);
}, 90_000);

/** Written as the kubelet does it: a new folder, then `..data` renamed over; the files are links through `..data`. */
class ConfigMapVolume {
  readonly folder: string;
  readonly mount: string;
  #version = 0;

  constructor(folder: string, routes: string) {
    this.folder = folder;
    this.mount = join(folder, 'config');
    mkdirSync(this.mount);
    this.publish(routes);
    for (const name of ['outrider.yaml', 'routes.yaml']) symlinkSync(join('..data', name), join(this.mount, name));
  }

  publish(routes: string): void {
    const before = `..version-${this.#version}`;
    this.#version += 1;
    const version = `..version-${this.#version}`;
    mkdirSync(join(this.mount, version));
    writeFileSync(join(this.mount, version, 'outrider.yaml'), this.#outriderYaml());
    writeFileSync(join(this.mount, version, 'routes.yaml'), routes);
    symlinkSync(version, join(this.mount, '..data_tmp'));
    renameSync(join(this.mount, '..data_tmp'), join(this.mount, '..data'));
    rmSync(join(this.mount, before), { recursive: true, force: true });
  }

  #outriderYaml(): string {
    return [
      'apiVersion: outrider.dev/v1',
      'listeners: [{name: ambassador, address: "localhost:0"}]',
      'metrics: {address: "localhost:0"}',
      'admin: {address: "localhost:0"}',
      `spool: {path: ${join(this.folder, 'spool')}}`,
    ].join('\n');
  }
}

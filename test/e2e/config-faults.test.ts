/** Edits that go wrong, in the real process: what runs goes on, and people are told. */
import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider as cli } from '../helpers/cli.ts';
import { startTarget } from '../helpers/node-target.ts';
import { type Outrider, startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';

const plain = { headers: { connection: 'close' } };

interface Edited {
  readonly outrider: Outrider;
  /** Routes whose answers carry this word. */
  readonly routes: (word: string) => Readonly<Record<string, unknown>>;
  readonly file: string;
}

/** An Outrider whose answers tell which configuration they are of: `first`. */
async function startEdited(): Promise<Edited> {
  const target = await startTarget((_, response) => void response.end('ok'));
  const routes = (word: string) => ({
    targets: { up: target.url },
    rules: [{ name: 'all', target: 'up', response: { headers: { set: { 'x-config': word } } } }],
    default: 'up',
  });
  // Without the second for late requests that the other mode has.
  const outrider = await startOutrider({ outrider: { shutdown: { mode: 'native' } }, routes: routes('first') });
  return { outrider, routes, file: join(outrider.configDir, 'routes.yaml') };
}

async function wordOf({ url }: Outrider): Promise<string | null> {
  const answer = await fetch(`${url}/x`, plain);
  expect(answer.status).toBe(200);
  return answer.headers.get('x-config');
}

const probe = async ({ metricsUrl }: Outrider, path: string): Promise<number> =>
  (await fetch(`${metricsUrl}${path}`, plain)).status;

const becomes = (outrider: Outrider, word: string): Promise<unknown> =>
  waitFor(async () => (await wordOf(outrider)) === word, { what: `the configuration ${word}` });

/** It is refused and told, the old one runs, and no probe falls. */
async function expectRefused({ outrider }: Edited, said: RegExp): Promise<void> {
  const line = await outrider.waitForLog('configuration rejected');
  expect(JSON.stringify(line)).toMatch(said);
  const metrics = await outrider.metrics();
  expect(metrics.value('config_last_reload_successful')).toBe(0);
  expect([await probe(outrider, '/livez'), await probe(outrider, '/readyz')]).toEqual([200, 200]);
  expect(await wordOf(outrider)).toBe('first');
}

/** The next good one counts. */
async function expectRepaired({ outrider, routes }: Edited): Promise<void> {
  outrider.editRoutes(routes('repaired'));
  await becomes(outrider, 'repaired');
  expect((await outrider.metrics()).value('config_last_reload_successful')).toBe(1);
}

test('bad YAML at the start ends with code 64 and names file, line and column', async () => {
  const dir = temporaryFolder();
  writeFileSync(
    join(dir, 'outrider.yaml'),
    'listeners: [{name: a, address: "localhost:0"}]\nspool: {enabled: false}\n',
  );
  writeFileSync(join(dir, 'routes.yaml'), 'targets:\n  up: http://127.0.0.1:1\n default: up\n');
  const { code, stderr } = await cli(['run', '--config', dir], { cwd: dir });
  expect(code).toBe(64);
  expect(stderr).toMatch(/routes\.yaml:3:\d+: not valid YAML/);
});

test('bad YAML at a reload changes nothing, is told with its place, and is over with the next good edit', async () => {
  const edited = await startEdited();
  edited.outrider.editRoutes('targets:\n  up: http://127.0.0.1:1\n default: up\n');
  await expectRefused(edited, /routes\.yaml:3:/);
  await expectRepaired(edited);
});

test.each([
  ['deleted', (file: string) => unlinkSync(file)],
  ['cut to nothing', (file: string) => writeFileSync(file, '')],
])(
  'a file that is %s is not a configuration without rules: the last good one runs, also for seconds',
  async (_, take) => {
    const edited = await startEdited();
    take(edited.file);
    await expectRefused(edited, /routes\.yaml/);
    await expectRepaired(edited);
  },
);

test('an editor that renames the old file away and writes a new one is understood', async () => {
  const { outrider, routes, file } = await startEdited();
  renameSync(file, `${file}~`);
  writeFileSync(file, JSON.stringify(routes('second')));
  await becomes(outrider, 'second');
  expect(outrider.logs.filter(({ msg }) => msg.includes('rejected'))).toEqual([]);
});

test('the age of the configuration shows in a metric: what a subPath mount never updates grows old', async () => {
  const { outrider, routes } = await startEdited();
  const age = async (): Promise<number> =>
    Date.now() / 1000 - (await outrider.metrics()).value('config_last_reload_success_timestamp_seconds');
  expect(await age()).toBeLessThan(60);
  const before = (await outrider.metrics()).value('config_last_reload_success_timestamp_seconds');
  outrider.editRoutes(routes('second'));
  await becomes(outrider, 'second');
  const after = (await outrider.metrics()).value('config_last_reload_success_timestamp_seconds');
  expect(after).toBeGreaterThan(before);
});

test.each([
  [
    'the address of a listener',
    async () => ({ listeners: [{ name: 'ambassador', address: `localhost:${await closedPort()}` }] }),
  ],
  ['spool.path', async () => ({ spool: { path: temporaryFolder() } })],
])('a reload that changes %s is refused whole, with what else it changes', async (_, change) => {
  const edited = await startEdited();
  const { outrider, routes } = edited;
  const { port } = outrider;
  outrider.editConfig(await change());
  outrider.editRoutes(routes('half applied'));
  await expectRefused(edited, /restart/);
  expect(outrider.port).toBe(port);
});

test('a glob that would take a backtracking matcher for ever costs no time', async () => {
  const { outrider, routes } = await startEdited();
  const pattern = `${'*a'.repeat(30)}b`;
  const rule = { name: 'slow', match: { headers: { 'x-slow': pattern } }, target: 'up' };
  const edited = routes('second');
  outrider.editRoutes({ ...edited, rules: [rule, ...(edited.rules as object[])] });
  await becomes(outrider, 'second');
  const began = performance.now();
  const answer = await fetch(`${outrider.url}/x`, { headers: { connection: 'close', 'x-slow': 'a'.repeat(8000) } });
  expect(answer.headers.get('x-config')).toBe('second');
  expect(performance.now() - began).toBeLessThan(500);
});

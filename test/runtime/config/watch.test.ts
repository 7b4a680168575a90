import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type LoadedConfig, loadConfig } from '../../../src/runtime/config/load.ts';
import { type WatchOptions, watchConfig } from '../../../src/runtime/config/watch.ts';
import { ConfigError } from '../../../src/runtime/errors.ts';
import { cleanUp, temporaryFolder } from '../../helpers/cleanup.ts';
import { waitFor } from '../../helpers/wait.ts';

const routes = (name: string): string => `targets: {${name}: "http://127.0.0.1:1"}\ndefault: ${name}\n`;

interface Watched {
  readonly folder: string;
  readonly told: (LoadedConfig | ConfigError)[];
  /** The default target of each configuration told, or `mistake`. */
  names(): string[];
  write(text: string): void;
  /** As editors and deployments do: a new file takes the place of the old one. */
  swapFile(text: string): void;
}

function watched(
  options: Partial<WatchOptions> = {},
  prepare = (folder: string) => writeRoutes(folder, 'first'),
): Watched {
  const folder = temporaryFolder();
  prepare(folder);
  const told: (LoadedConfig | ConfigError)[] = [];
  const watch = watchConfig({ path: folder, env: {}, onChange: (result) => void told.push(result), ...options });
  cleanUp(() => watch.close());
  const file = join(folder, 'routes.yaml');
  return {
    folder,
    told,
    names: () => told.map((result) => (result instanceof ConfigError ? 'mistake' : result.settings.routes.default)),
    write: (text) => writeFileSync(file, text),
    swapFile: (text) => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    },
  };
}

function writeRoutes(folder: string, name: string): void {
  writeFileSync(join(folder, 'routes.yaml'), routes(name));
}

const waitForNames = (watch: Watched, ...names: string[]): Promise<boolean> =>
  waitFor(
    () =>
      JSON.stringify(watch.names()) === JSON.stringify(names) || (watch.names().length > names.length && wrong(watch)),
    {
      what: `the configurations ${names.join(', ')}; told: ${watch.names().join(', ')}`,
    },
  );

function wrong(watch: Watched): never {
  throw new Error(`told too much: ${watch.names().join(', ')}`);
}

/** A volume of a ConfigMap as the kubelet writes it. */
function swapVolume(folder: string, version: string, name: string): void {
  const target = `..${version}`;
  mkdirSync(join(folder, target));
  writeRoutes(join(folder, target), name);
  symlinkSync(target, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  if (version === 'v0') symlinkSync('..data/routes.yaml', join(folder, 'routes.yaml'));
  for (const old of readdirSync(folder).filter((entry) => /^\.\.v/.test(entry) && entry !== target)) {
    rmSync(join(folder, old), { recursive: true });
  }
}

/** What the kernel watches for this process. */
const openWatches = (): number =>
  readdirSync('/proc/self/fdinfo')
    .map((descriptor) => readOrNothing(`/proc/self/fdinfo/${descriptor}`))
    .reduce((sum, info) => sum + info.split('inotify wd:').length - 1, 0);

/** The descriptor of the listing itself is gone by then. */
function readOrNothing(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

test('a file that is written in place is told once it is quiet', async () => {
  const watch = watched();
  watch.write(routes('second'));
  await waitForNames(watch, 'second');
});

test('a file that is renamed into its place is told within 500 ms', async () => {
  const watch = watched();
  // A rename long after the write is told from a write by its times; the kernel's clock ticks every 4 ms or so.
  writeFileSync(join(watch.folder, 'new'), routes('second'));
  await pause(20);
  const start = performance.now();
  renameSync(join(watch.folder, 'new'), join(watch.folder, 'routes.yaml'));
  await waitForNames(watch, 'second');
  expect(performance.now() - start).toBeLessThan(500);
});

test('the swap of a ConfigMap volume is told within 2 s, a hundred times', async () => {
  const watch = watched({}, (folder) => swapVolume(folder, 'v0', 'n0'));
  let slowest = 0;
  for (let i = 1; i <= 100; i += 1) {
    const start = performance.now();
    swapVolume(watch.folder, `v${i}`, `n${i}`);
    await waitFor(() => watch.names().at(-1) === `n${i}`, { what: `swap ${i}`, everyMs: 5 });
    slowest = Math.max(slowest, performance.now() - start);
  }
  expect(slowest).toBeLessThan(2000);
  expect(watch.names()).toHaveLength(100);
}, 60_000);

test('of a hundred edits in a second the last one is told, and at most a few before it', async () => {
  const watch = watched();
  for (let i = 0; i < 100; i += 1) {
    watch.write(routes(`n${i}`));
    await pause(10);
  }
  await waitFor(() => watch.names().at(-1) === 'n99', { what: 'the last edit' });
  expect(watch.names().length).toBeLessThanOrEqual(3);
});

test('a file whose second half comes 500 ms later is never told in part', async () => {
  const watch = watched();
  watch.write(routes('second'));
  await pause(500);
  appendFileSync(join(watch.folder, 'routes.yaml'), 'rules: [{name: a, target: second}]\n');
  await waitForNames(watch, 'second');
  const [result] = watch.told;
  expect(result instanceof ConfigError ? [] : result?.settings.routes.rules.map(({ name }) => name)).toEqual(['a']);
});

test('a broken edit is told as its mistakes, once, and the repair after it', async () => {
  const watch = watched();
  watch.write('targets: {a: nope}\ndefault: b\n');
  await waitForNames(watch, 'mistake');
  const [result] = watch.told;
  expect(result instanceof ConfigError && result.mistakes.map(({ line }) => line)).toEqual([1, 2]);
  watch.write(routes('second'));
  await waitForNames(watch, 'mistake', 'second');
});

test('the same content again is no change, whatever happened to the file', async () => {
  const watch = watched();
  watch.write(routes('first'));
  watch.swapFile(routes('first'));
  unlinkSync(join(watch.folder, 'routes.yaml'));
  writeRoutes(watch.folder, 'first');
  writeFileSync(join(watch.folder, 'unrelated'), 'x');
  watch.write(routes('second'));
  await waitForNames(watch, 'second');
});

test('a repair to what was running is told, so that the mistake is known to be over', async () => {
  const watch = watched();
  watch.write('bogus: 1\n');
  await waitForNames(watch, 'mistake');
  watch.write(routes('first'));
  await waitForNames(watch, 'mistake', 'first');
});

test.each([
  ['deleted', (file: string) => unlinkSync(file)],
  ['emptied', (file: string) => writeFileSync(file, '')],
])('a file that is %s for a moment is no change', async (_, remove) => {
  const watch = watched();
  remove(join(watch.folder, 'routes.yaml'));
  await pause(1000);
  watch.write(routes('second'));
  await waitForNames(watch, 'second');
});

test('a file that stays away is told as a mistake, and its return as a configuration', async () => {
  const watch = watched();
  unlinkSync(join(watch.folder, 'routes.yaml'));
  await waitForNames(watch, 'mistake');
  watch.write(routes('second'));
  await waitForNames(watch, 'mistake', 'second');
});

test('one of two files that stays away is a mistake, even where the variables would do without it', async () => {
  const watch = watched({ env: { BACKEND_URL: 'http://x' } }, (folder) => {
    writeFileSync(join(folder, 'outrider.yaml'), 'log: {}');
    writeRoutes(folder, 'first');
  });
  unlinkSync(join(watch.folder, 'routes.yaml'));
  await waitForNames(watch, 'mistake');
  expect(String(watch.told[0])).toContain('routes.yaml: the file is gone: put it back, or restart to run without it');
});

test('a folder that is replaced is found by the poll, and its events are heard from then on', async () => {
  const parent = temporaryFolder();
  const folder = join(parent, 'conf');
  mkdirSync(folder);
  writeRoutes(folder, 'first');
  const pollMs = 2000;
  const watch = watched({ path: folder, pollMs });
  renameSync(folder, join(parent, 'old'));
  mkdirSync(folder);
  writeFileSync(join(parent, 'new'), routes('third'));
  writeRoutes(folder, 'second');
  await waitForNames(watch, 'second');
  const start = performance.now();
  renameSync(join(parent, 'new'), join(folder, 'routes.yaml'));
  await waitForNames(watch, 'second', 'third');
  // The poll has just been: the next one is later than this.
  expect(performance.now() - start).toBeLessThan(pollMs / 3);
});

test('what gives the folder no event is found by the poll', async () => {
  const elsewhere = temporaryFolder();
  writeRoutes(elsewhere, 'first');
  const watch = watched({ pollMs: 50 }, (folder) =>
    symlinkSync(join(elsewhere, 'routes.yaml'), join(folder, 'routes.yaml')),
  );
  writeRoutes(elsewhere, 'second');
  await waitForNames(watch, 'second');
});

test('one file is watched through its folder', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'all.yaml');
  writeFileSync(path, routes('first'));
  const watch = watched({ path });
  writeFileSync(`${path}.tmp`, routes('second'));
  renameSync(`${path}.tmp`, path);
  await waitForNames(watch, 'second');
});

test('an edit between loading and watching is told, and not in part either', async () => {
  const folder = temporaryFolder();
  writeRoutes(folder, 'first');
  const { settings } = loadConfig({ path: folder, env: {} });
  const watch = watched({ path: folder, current: settings.hash }, () => writeRoutes(folder, 'half'));
  await pause(500);
  writeRoutes(folder, 'whole');
  await waitForNames(watch, 'whole');
});

test('SIDECAR_CONFIG is what is watched where no path is given', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'sidecar_config.yaml');
  writeFileSync(path, 'destination: http://x\n');
  const watch = watched({ path: undefined, env: { SIDECAR_CONFIG: path } });
  writeFileSync(path, 'destination: http://y\n');
  await waitForNames(watch, 'default');
});

test('with no file there is nothing to watch', () => {
  const before = openWatches();
  watchConfig({ env: { BACKEND_URL: 'http://x' }, onChange: () => undefined }).close();
  expect(openWatches()).toBe(before);
});

test('while it runs one folder is watched once, and a hundred closed ones leave nothing behind', () => {
  const folder = temporaryFolder();
  writeRoutes(folder, 'first');
  const before = openWatches();
  const all = Array.from({ length: 100 }, () => watchConfig({ path: folder, env: {}, onChange: () => undefined }));
  expect(openWatches()).toBe(before + 1);
  for (const watch of all) watch.close();
  expect(openWatches()).toBe(before);
});

test('nothing is told after closing', async () => {
  const folder = temporaryFolder();
  writeRoutes(folder, 'first');
  const told: unknown[] = [];
  const watch = watchConfig({ path: folder, env: {}, onChange: (result) => void told.push(result) });
  writeRoutes(folder, 'second');
  watch.close();
  const other = watched({ path: folder, current: 'another' });
  await waitForNames(other, 'second');
  expect(told).toEqual([]);
});

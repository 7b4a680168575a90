/** deploy/compose.yaml: what can be shown without Docker. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../helpers/child.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { outrider } from '../helpers/cli.ts';
import { at, parseYaml } from '../helpers/helm.ts';
import { describeWithPromtool, promtool } from '../helpers/promtool.ts';
import { waitFor } from '../helpers/wait.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'deploy');
const CONFIG = join(FOLDER, 'compose/config');
const compose = parseYaml(readFileSync(join(FOLDER, 'compose.yaml'), 'utf8'));
const services = Object.entries(at(compose, 'services') as Record<string, Record<string, unknown>>);
const ours = services.filter(([, service]) => String(service.image).startsWith('outrider:'));

test('the image is the version of this project, and is built by every service that uses it', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(ours.map(([name]) => name)).toEqual(['outrider', 'dev', 'qa', 'prod']);
  for (const [, { image, build }] of ours) expect([image, build]).toEqual([`outrider:${version}`, { context: '..' }]);
  expect(existsSync(join(ROOT, 'Dockerfile'))).toBe(true);
});

test('every file that is mounted is there', () => {
  const mounts = services.flatMap(([, { volumes }]) => (volumes ?? []) as string[]);
  const paths = mounts.map((mount) => mount.split(':')[0] ?? '').filter((path) => path.startsWith('.'));
  expect(paths.length).toBeGreaterThan(3);
  expect(paths.filter((path) => !existsSync(join(FOLDER, path)))).toEqual([]);
});

test('only loopback of the machine is opened', () => {
  const ports = services.flatMap(([, service]) => (service.ports ?? []) as string[]);
  expect(ports.length).toBeGreaterThan(1);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test('the configuration is valid, passes its own tests, and names services that there are', async () => {
  for (const command of ['validate', 'test']) {
    expect(await outrider([command, CONFIG])).toMatchObject({ code: 0, stderr: '' });
  }
  const text = ['outrider.yaml', 'routes.yaml'].map((name) => readFileSync(join(CONFIG, name), 'utf8')).join('\n');
  const hosts = [...text.matchAll(/http:\/\/(\w+):8080|"(\w+):9092"/g)].map(([, target, broker]) => target ?? broker);
  expect(hosts).toEqual(['kafka', 'dev', 'qa', 'prod']);
  for (const host of hosts) expect(services.map(([name]) => name)).toContain(host);
});

test('a target answers with its name and what reached it, and ends when it is told to', async () => {
  const child = startChild(process.execPath, [join(FOLDER, 'compose/target.mjs'), 'qa', '0'], { env: {} });
  cleanUp(() => void child.process.kill('SIGKILL'));
  const line = await waitFor(() => child.stdout[0], { what: 'the target to listen' });
  const port = /qa listens on port (\d+)/.exec(line)?.[1];
  const answer = await fetch(`http://127.0.0.1:${port}/hello?x=1`, {
    method: 'POST',
    body: 'x',
    headers: { host1a: 'qa' },
  });
  expect(await answer.json()).toMatchObject({
    target: 'qa',
    method: 'POST',
    uri: '/hello?x=1',
    headers: { host1a: 'qa' },
  });
  child.process.kill('SIGTERM');
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

describeWithPromtool('its Prometheus', () => {
  test('has a configuration that Prometheus reads', () => {
    const { code, said } = promtool('check', 'config', '--syntax-only', join(FOLDER, 'compose/prometheus.yaml'));
    expect([code, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider as cli } from '../helpers/cli.ts';
import { configFolder } from '../helpers/config-folder.ts';
import { startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { closedPort, occupyPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

test('a request in flight at SIGTERM gets its answer, with `Connection: close`, and the process ends with 0', async () => {
  let answer = (): void => undefined;
  const target = await startTarget((_received, response) => {
    answer = () => void response.end('late');
  });
  const outrider = await startOutrider({ routes: { targets: { a: target.url }, default: 'a' } });
  const pending = sendRaw(outrider.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor(() => target.requests.length === 1, { what: 'the request at the target' });
  outrider.signal('SIGTERM');
  await outrider.waitForLog('shutting down');
  answer();
  const { responses, ended } = await pending;
  expect(String(responses[0]?.body)).toBe('late');
  expect(responses[0]?.header('connection')).toBe('close');
  expect(ended).toBe('closed');
  await outrider.stop();
});

test('health: started, live and ready as soon as it listens', async () => {
  const outrider = await startOutrider();
  for (const probe of ['startupz', 'livez', 'readyz']) {
    const { status } = await fetch(`${outrider.metricsUrl}/${probe}`, { headers: { connection: 'close' } });
    expect([probe, status]).toEqual([probe, 200]);
  }
});

test('a broken configuration starts nothing: every mistake on its line, 64', async () => {
  const folder = configFolder({ 'routes.yaml': 'targets: {a: "ftp://x"}\ndefault: b\n' });
  const { code, stdout, stderr } = await cli(['run', '--config', folder], { cwd: temporaryFolder() });
  expect(code).toBe(64);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/routes\.yaml:1:14: .*\n.*routes\.yaml:2:10: /);
  expect(stderr).not.toMatch(/^ +at /m);
});

test('a busy listener is one line that names the port and the key, and 1', async () => {
  const busy = await occupyPort();
  const folder = configFolder({
    'outrider.yaml': `apiVersion: outrider.dev/v1\nlisteners: [{name: a, address: "localhost:${busy.port}"}]\n`,
    'routes.yaml': 'targets: {a: "http://x"}\ndefault: a\n',
  });
  const { code, stderr } = await cli(['run', '--config', folder], { cwd: temporaryFolder() });
  await busy.release();
  expect(code).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(String(busy.port));
  expect(stderr).toContain('listeners[0].address');
});

test('without a word it runs, with BACKEND_URL and PORT alone', async () => {
  const target = await startTarget();
  const env = { BACKEND_URL: target.url, PORT: String(await closedPort()) };
  // Its metrics port is the usual one, which another test may hold.
  await startOutrider({ args: [], env, checkLeaks: false });
  await fetch(`http://127.0.0.1:${env.PORT}/x`, { headers: { connection: 'close' } });
  expect(target.last().uri).toBe('/x');
});

test('records and ledger of the command line read a running Outrider', async () => {
  const outrider = await startOutrider({ routes: { targets: { a: 'http://127.0.0.1:1' }, default: 'a' } });
  const answer = await fetch(`${outrider.url}/lost`, { headers: { connection: 'close' } });
  const id = answer.headers.get('outrider-record') ?? '';
  const { code, stdout } = await cli(['records', '--admin', outrider.adminUrl]);
  expect(code).toBe(0);
  expect(stdout).toContain(id);
  expect(stdout).toMatch(/held .*GET \/lost$/m);
  const one = await cli(['records', id, '--json', '--admin', outrider.adminUrl]);
  expect(JSON.parse(one.stdout)).toMatchObject({ id, uri: '/lost' });
});

import { startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

test('the environment header picks the target, which receives the patched headers', async () => {
  const [qa, prod] = [await startTarget(), await startTarget()];
  const outrider = await startOutrider({
    routes: {
      targets: { qa: qa.url, prod: prod.url },
      rules: [
        {
          name: 'qa',
          match: { headers: { environment: 'qa' } },
          request: { headers: { set: { Host1a: 'qa' }, remove: ['x-internal'] } },
          target: 'qa',
        },
      ],
      default: 'prod',
    },
  });
  const head = (extra: string) => `GET /api/x?y=1 HTTP/1.1\r\nHost: app\r\nX-Internal: 1\r\n${extra}\r\n`;
  const { responses } = await sendRaw(outrider.port, head('environment: qa\r\n') + head(''), { responses: 2 });
  expect(responses.map(({ status }) => status)).toEqual([200, 200]);
  expect(qa.requests).toHaveLength(1);
  expect(qa.last()).toMatchObject({ uri: '/api/x?y=1', headers: { host1a: 'qa', environment: 'qa' } });
  expect(qa.last().headers['x-internal']).toBeUndefined();
  expect(prod.requests).toHaveLength(1);
  expect(prod.last().headers).toMatchObject({ 'x-internal': '1' });
});

test('without a rule and with `default: reject` the answer is a 404 problem that names no internals', async () => {
  const outrider = await startOutrider({ routes: { targets: { prod: 'http://prod.internal' }, default: 'reject' } });
  const answer = await fetch(`${outrider.url}/api`, { headers: { connection: 'close' } });
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(await answer.text()).not.toMatch(/prod|internal|target|rule/i);
});

test('routes that are edited hold for the next requests, and a broken edit changes nothing', async () => {
  const [first, second] = [await startTarget(), await startTarget()];
  const outrider = await startOutrider({ routes: { targets: { a: first.url }, default: 'a' } });
  const ask = () => fetch(outrider.url, { headers: { connection: 'close' } });
  await ask();
  const hash = async () => (await outrider.metrics()).select('config_info')[0]?.labels.hash;
  const before = await hash();
  outrider.editRoutes({ targets: { b: second.url }, default: 'b' });
  await waitFor(async () => (await hash()) !== before, { what: 'the new configuration' });
  await ask();
  outrider.editRoutes('default: nowhere\n');
  const refused = async () => (await outrider.metrics()).value('config_last_reload_successful') === 0;
  await waitFor(refused, { what: 'the refusal' });
  await ask();
  expect([first.requests.length, second.requests.length]).toEqual([1, 2]);
});

test("the older dispatcher's configuration and variables work as they are", async () => {
  const [qa, fallback] = [await startTarget(), await startTarget()];
  const outrider = await startOutrider({
    configFile: {
      name: 'sidecar_config.yaml',
      text: [
        'key: environment',
        'rewrites:',
        '  qa:',
        '    patch: [{key: Host1a, val: qa}, {key: dispatched, val: true}]',
        `    destination: ${qa.url}`,
        `destination: ${fallback.url}`,
      ].join('\n'),
    },
    env: { SIDECAR_PORT: String(await closedPort()), SIDECAR_LOGGING_LEVEL: 'INFO' },
    // Its metrics port is the usual one, which another test may hold.
    checkLeaks: false,
  });
  await fetch(outrider.url, { headers: { environment: 'qa', connection: 'close' } });
  await fetch(outrider.url, { headers: { connection: 'close' } });
  expect(qa.last().headers).toMatchObject({ host1a: 'qa', dispatched: 'True' });
  expect(fallback.requests).toHaveLength(1);
  expect(fallback.last().headers.host1a).toBeUndefined();
});

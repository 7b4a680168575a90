import { probePort, startDemoTargets } from '../../../src/runtime/cli/node-demo-targets.ts';
import { cleanUp } from '../../helpers/cleanup.ts';
import { freeDemoPorts } from '../../helpers/demo.ts';
import { occupyPort } from '../../helpers/ports.ts';
import { sendRaw } from '../../helpers/raw-client.ts';

async function startTargets() {
  const targets = await startDemoTargets(0);
  cleanUp(targets.stop);
  const [dev = 0, qa = 0, prod = 0, broken = 0] = targets.ports;
  return { targets, dev, qa, prod, broken };
}

test('dev, qa and prod say who they are and what they received, names in the case of the wire', async () => {
  const { dev, qa, prod } = await startTargets();
  const request =
    'POST /a?b=1 HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nX-Two: 2\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello';
  const echoes = await Promise.all([dev, qa, prod].map((port) => sendRaw(port, request)));
  const bodies = echoes.map(({ responses }) => JSON.parse(String(responses[0]?.body)));
  expect(bodies.map(({ target }) => target)).toEqual(['dev', 'qa', 'prod']);
  expect(bodies[0]).toEqual({
    target: 'dev',
    method: 'POST',
    uri: '/a?b=1',
    headers: { Host: 'x', 'X-Two': ['1', '2'], 'Content-Length': '5', Connection: 'close' },
    bodyBytes: 5,
  });
});

test('broken answers 503, and resets what asks for /reset', async () => {
  const { broken } = await startTargets();
  const ask = (path: string) => sendRaw(broken, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const [refused, reset] = await Promise.all([ask('/'), ask('/reset')]);
  expect(refused.responses[0]?.status).toBe(503);
  expect(reset).toMatchObject({ responses: [], ended: 'reset' });
});

test('a caller that leaves in the middle of its body breaks nothing', async () => {
  const { dev } = await startTargets();
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n';
  await sendRaw(dev, `${head}half`, { idleMs: 20 });
  const after = await sendRaw(dev, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(after.responses[0]?.status).toBe(200);
});

test('stopping ends open connections and frees the ports', async () => {
  const { targets, dev } = await startTargets();
  const open = sendRaw(dev, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nh');
  await sendRaw(dev, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await targets.stop();
  await targets.stop();
  expect(['closed', 'reset']).toContain((await open).ended);
  expect(await Promise.all(targets.ports.map(probePort))).toEqual(['free', 'free', 'free', 'free']);
});

test('when one port is taken none stays open', async () => {
  const { targetPort: first } = await freeDemoPorts();
  const busy = await occupyPort(first + 3);
  await expect(startDemoTargets(first)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(await probePort(first)).toBe('free');
  expect(await probePort(first + 3)).toBe('EADDRINUSE');
  await busy.release();
});

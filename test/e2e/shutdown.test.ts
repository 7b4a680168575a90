/** The end of the process while callers are still there. */
import { connect, type Socket } from 'node:net';
import { cleanUp } from '../helpers/cleanup.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { closedPort } from '../helpers/ports.ts';
import { startRawTarget } from '../helpers/raw-target.ts';
import { waitFor } from '../helpers/wait.ts';

const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** A caller that sends this and stays. */
function stay(port: number, text: string): { readonly socket: Socket; received(): string } {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => socket.destroy());
  socket.write(text);
  cleanUp(() => void socket.destroy());
  return { socket, received: () => received };
}

test('an open tunnel does not outlive shutdown.max', async () => {
  const target = await startRawTarget(async (connection) => {
    await connection.readHead();
    await connection.send(SWITCH);
  });
  const outrider = await startOutrider({
    outrider: { shutdown: { max: '300ms' } },
    routes: { targets: { t: target.url }, default: 't' },
    checkLeaks: false,
  });
  const caller = stay(outrider.port, UPGRADE);
  await waitFor(() => caller.received().includes('101'), { what: 'the switch' });
  await outrider.stop();
  await waitFor(() => caller.socket.destroyed, { what: 'the end of the tunnel' });
});

test('a failed exchange that is cut at shutdown.max, still sending, is on disk as far as it came', async () => {
  const outrider = await startOutrider({
    outrider: { shutdown: { max: '300ms' } },
    routes: { targets: { down: `http://127.0.0.1:${await closedPort()}` }, default: 'down' },
    checkLeaks: false,
  });
  stay(outrider.port, 'POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
  await waitFor(async () => (await outrider.metrics()).value('outrider_requests_in_flight') === 1, { what: 'it' });
  await outrider.stop();
  await outrider.start();
  expect(await outrider.records()).toMatchObject([{ uri: '/half', reason: 'connect', body_truncated: true }]);
});

import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PeerTable } from '../../src/accept/peer-table.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { portOf } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';

async function connected(host: string): Promise<{ caller: Socket; ports: [number, number] }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    cleanUp(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanUp(() => void server.close());
  const caller = connect({ port: portOf(server), host, allowHalfOpen: true });
  cleanUp(() => void caller.destroy());
  await new Promise((resolve) => caller.once('connect', resolve));
  return { caller, ports: [caller.localPort ?? 0, portOf(server)] };
}

test.each(['127.0.0.1', '::1'])(
  'B19 the end of a caller at %s is held until it is closed, not only half',
  async (host) => {
    const { caller, ports } = await connected(host);
    const look = (): Promise<string> => new PeerTable().look(...ports);
    expect(await look()).toBe('held');
    await new Promise<void>((resolve) => caller.end(resolve));
    expect(await look()).toBe('held');
    caller.destroy();
    await waitFor(async () => (await look()) === 'left', { what: 'the end to be given up' });
  },
);

test('where there is no table nobody can know', async () => {
  expect(await new PeerTable(['/nowhere']).look(1, 2)).toBe('unknown');
});

test('the table is read again after a moment, not for each question', async () => {
  const file = join(temporaryFolder(), 'tcp');
  let now = 0;
  const table = new PeerTable([file], () => now);
  const line = (inode: number): string =>
    `  sl  local_address rem_address\n   0: 0100007F:B588 0100007F:B629 05 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2\n`;
  writeFileSync(file, line(77));
  expect(await table.look(0xb588, 0xb629)).toBe('held');
  expect(await table.look(0xb629, 0xb588)).toBe('unknown');
  writeFileSync(file, line(0));
  now = 100;
  expect(await table.look(0xb588, 0xb629)).toBe('held');
  now = 101;
  expect(await table.look(0xb588, 0xb629)).toBe('left');
});

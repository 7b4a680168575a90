import '../helpers/one-realm.ts';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNames } from '../../src/forward/node-names.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';

/** A name server that knows these names' IPv4 addresses and counts what it is asked. */
async function startNameServer(known: Readonly<Record<string, string>>): Promise<{ server: string; asked: string[] }> {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + size));
      at += size + 1;
    }
    const type = query.readUInt16BE(at + 1);
    const name = labels.join('.');
    if (type === 1) asked.push(name);
    const address = type === 1 ? known[name] : undefined;
    const question = query.subarray(12, at + 5);
    const flags = known[name] === undefined ? 0x8183 : 0x8180;
    const head = Buffer.alloc(10);
    for (const [i, value] of [flags, 1, address === undefined ? 0 : 1, 0, 0].entries())
      head.writeUInt16BE(value, i * 2);
    const record =
      address === undefined
        ? Buffer.alloc(0)
        : Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split('.').map(Number)]);
    socket.send(Buffer.concat([query.subarray(0, 2), head, question, record]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  cleanUp(() => void socket.close());
  return { server: `127.0.0.1:${socket.address().port}`, asked };
}

function namesOf(server: string, hosts: string, resolvConf: string) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'hosts'), hosts);
  writeFileSync(join(folder, 'resolv.conf'), resolvConf);
  const names = createNames({
    hosts: join(folder, 'hosts'),
    resolvConf: join(folder, 'resolv.conf'),
    servers: [server],
  });
  return (hostname: string): Promise<string[]> =>
    new Promise((resolve, reject) => {
      names(hostname, (error, found) =>
        error === null ? resolve(found.map(({ address }) => address)) : reject(error),
      );
    });
}

const KNOWN = { 'api.dev.svc.cluster.local': '10.0.0.1', 'example.com': '10.0.0.2' };

test('the hosts file comes first, and no name server is asked', async () => {
  const { server, asked } = await startNameServer(KNOWN);
  const find = namesOf(server, '# a\n127.0.0.1 localhost me\n::1 LOCALHOST # b\n10.1.1.1 example.com\n', '');
  expect(await find('localhost')).toEqual(['127.0.0.1', '::1']);
  expect(await find('Example.com')).toEqual(['10.1.1.1']);
  expect(asked).toEqual([]);
});

test('a short name is looked for in the search domains, as in a cluster', async () => {
  const { server, asked } = await startNameServer(KNOWN);
  const find = namesOf(server, '', 'search dev.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n');
  expect(await find('api')).toEqual(['10.0.0.1']);
  expect(asked).toEqual(['api.dev.svc.cluster.local']);
  expect(await find('api.dev')).toEqual(['10.0.0.1']);
  expect(await find('api.dev.svc')).toEqual(['10.0.0.1']);
  expect(await find('example.com.')).toEqual(['10.0.0.2']);
});

test('a name with enough dots is tried as it is first', async () => {
  const { server, asked } = await startNameServer(KNOWN);
  const find = namesOf(server, '', 'search other.test\n');
  expect(await find('example.com')).toEqual(['10.0.0.2']);
  expect(asked).toEqual(['example.com']);
});

test('U02 a name that nobody knows is an error', async () => {
  const { server } = await startNameServer(KNOWN);
  await expect(namesOf(server, '', 'search dev.test\n')('nowhere')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('the system’s own files are used where none are named', async () => {
  const names = createNames();
  const found = await new Promise((resolve) => names('localhost', (_, addresses) => resolve(addresses)));
  expect(JSON.stringify(found)).toContain('127.0.0.1');
});

test('without the hosts file a name that stands there is asked of the name servers', async () => {
  const { server, asked } = await startNameServer(KNOWN);
  const names = createNames({ hosts: null, resolvConf: '/nowhere', servers: [server] });
  const found = await new Promise((resolve) => names('example.com', (_, addresses) => resolve(addresses)));
  expect([found, asked]).toEqual([[{ address: '10.0.0.2', family: 4 }], ['example.com']]);
});

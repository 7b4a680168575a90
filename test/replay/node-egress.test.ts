import { isIP, type LookupFunction } from 'node:net';
import { Client } from 'undici';
import { Egress } from '../../src/replay/egress.ts';
import { EgressError, egressConnector } from '../../src/replay/node-egress.ts';
import { cleanUp } from '../helpers/cleanup.ts';
import { answering, startRawTarget, startTarget, type Target } from '../helpers/node-target.ts';

/** A resolver whose answers come one after the other; the last one stays. */
function resolver(...answers: string[][]): LookupFunction & { asked: number } {
  const lookup: LookupFunction = (_hostname, options, callback) => {
    const found = answers[Math.min(own.asked, answers.length - 1)] ?? [];
    own.asked += 1;
    const all = found.map((address) => ({ address, family: isIP(address) }));
    if (options.all === true) callback(null, all);
    else callback(null, all[0]?.address ?? '', all[0]?.family);
  };
  const own = Object.assign(lookup, { asked: 0 });
  return own;
}

async function ask(url: string, lookup: LookupFunction, allow: string[] = [], ownPorts: number[] = []) {
  const egress = new Egress({ allow, ownPorts, ownAddresses: [] });
  const connect = egressConnector({ egress, lookup, timeoutMs: 2000 });
  const { origin, pathname } = new URL(url);
  const client = new Client(origin, { connect });
  cleanUp(() => client.destroy());
  const { statusCode, headers, body } = await client.request({ method: 'POST', path: pathname, body: 'x' });
  await body.dump();
  return { statusCode, headers };
}

const LOCAL = ['127.0.0.0/8'];
const portOf = ({ url }: Pick<Target, 'url'>): string => new URL(url).port;

test('what is open is reached, by a name and by its address', async () => {
  const target = await startTarget();
  const lookup = resolver(['127.0.0.1']);
  expect(await ask(`http://hooks.test:${portOf(target)}/a`, lookup, LOCAL)).toMatchObject({ statusCode: 200 });
  expect(await ask(`http://127.0.0.1:${portOf(target)}/b`, lookup, LOCAL)).toMatchObject({ statusCode: 200 });
  expect([target.requests.length, lookup.asked]).toEqual([2, 1]);
});

test.each([
  ['an address', 'http://127.0.0.1', []],
  ['an address in another spelling', 'http://0x7f.1', []],
  ['an address of IPv6', 'http://[::ffff:127.0.0.1]', []],
  ['a name', 'http://hooks.test', [['127.0.0.1']]],
  ['a name with a public address, too', 'http://hooks.test', [['8.8.8.8', '127.0.0.1']]],
  ['a name with a mapped address', 'http://hooks.test', [['::ffff:127.0.0.1']]],
])('S01 %s that is not open is never connected to', async (_, origin, answers) => {
  const target = await startRawTarget(() => undefined);
  const asked = ask(`${origin}:${portOf(target)}/`, resolver(...answers));
  await expect(asked).rejects.toThrow(EgressError);
  await expect(asked).rejects.toThrow('a loopback address, which egress.allow does not open');
  expect(target.connections).toEqual([]);
});

test('S02 a name is resolved once for a connection, and every new connection is judged by its own answer', async () => {
  const target = await startTarget();
  const url = `http://rebind.test:${portOf(target)}/`;
  const lookup = resolver(['127.0.0.1'], ['169.254.169.254'], ['127.0.0.2']);
  const allow = ['127.0.0.1'];
  expect(await ask(url, lookup, allow)).toMatchObject({ statusCode: 200 });
  expect(lookup.asked).toBe(1);
  await expect(ask(url, lookup, allow)).rejects.toThrow('a link-local address');
  await expect(ask(url, lookup, allow)).rejects.toThrow('a loopback address');
  expect(target.requests).toHaveLength(1);
});

test('S03 a redirect is an answer, and is not followed', async () => {
  const inner = await startTarget();
  const target = await startTarget(answering(307, '', { location: `${inner.url}/latest/meta-data/` }));
  const answer = await ask(`http://hooks.test:${portOf(target)}/`, resolver(['127.0.0.1']), LOCAL);
  expect(answer).toMatchObject({ statusCode: 307, headers: { location: `${inner.url}/latest/meta-data/` } });
  expect(inner.requests).toEqual([]);
});

test('S01 a port of our own is refused where the address is open', async () => {
  const target = await startRawTarget(() => undefined);
  const port = target.port;
  const lookup = resolver(['127.0.0.1']);
  await expect(ask(`http://hooks.test:${port}/`, lookup, LOCAL, [port])).rejects.toThrow('this is Outrider itself');
  expect(target.connections).toEqual([]);
});

test('a name that can not be resolved is the error of the resolver', async () => {
  const lookup: LookupFunction = (hostname, _options, callback) =>
    callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), '', 0);
  await expect(ask('http://hooks.test/', lookup)).rejects.toThrow('ENOTFOUND');
});

import '../helpers/one-realm.ts';
import type { LookupAddress } from 'node:dns';
import { type LookupAll, Resolver } from '../../src/forward/node-resolve.ts';

const A: LookupAddress = { address: '10.0.0.1', family: 4 };
const B: LookupAddress = { address: '10.0.0.2', family: 4 };

/** A name server whose answers come when the test says so. */
class FakeNames {
  readonly asked: string[] = [];
  readonly resolve: LookupAll = (hostname, callback) => {
    this.asked.push(hostname);
    this.waiting.push({ hostname, callback });
  };
  private waiting: { hostname: string; callback: Parameters<LookupAll>[1] }[] = [];

  answer(hostname: string, found: LookupAddress[] | Error): void {
    const at = this.waiting.findIndex((each) => each.hostname === hostname);
    const [each] = this.waiting.splice(at, 1);
    if (found instanceof Error) each?.callback(found, []);
    else each?.callback(null, found);
  }
}

const all = (resolver: Resolver, hostname: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    resolver.lookup(hostname, { all: true }, (error, found) => (error === null ? resolve(found) : reject(error)));
  });

test('one look-up a name, however many ask, and its answer is kept', async () => {
  const names = new FakeNames();
  const resolver = new Resolver(names.resolve);
  const asking = [all(resolver, 'a'), all(resolver, 'a'), all(resolver, 'a')];
  names.answer('a', [A]);
  expect(await Promise.all(asking)).toEqual([[A], [A], [A]]);
  expect(await all(resolver, 'a')).toEqual([A]);
  expect(names.asked).toEqual(['a']);
});

test('two names at once: a name server that hangs does not take libuv’s threads', async () => {
  const names = new FakeNames();
  const resolver = new Resolver(names.resolve);
  const asking = ['a', 'b', 'c', 'd'].map((name) => all(resolver, name));
  expect(names.asked).toEqual(['a', 'b']);
  names.answer('b', [B]);
  expect(names.asked).toEqual(['a', 'b', 'c']);
  names.answer('a', [A]);
  names.answer('c', [A]);
  names.answer('d', [A]);
  await Promise.all(asking);
});

test('every address gets its turn to be the first', async () => {
  const names = new FakeNames();
  const resolver = new Resolver(names.resolve);
  const first = all(resolver, 'a');
  names.answer('a', [A, B]);
  await first;
  const firsts = [await all(resolver, 'a'), await all(resolver, 'a')].map((found) => Object(found)[0].address);
  expect(new Set(firsts)).toEqual(new Set([A.address, B.address]));
});

test('one address is given where one is asked for', async () => {
  const names = new FakeNames();
  const resolver = new Resolver(names.resolve);
  const asked = new Promise((resolve) => resolver.lookup('a', {}, (...found) => resolve(found)));
  names.answer('a', [A, B]);
  expect(await asked).toEqual([null, A.address, 4]);
});

test('U02 a failure is told with its code to all who wait, and not kept', async () => {
  const names = new FakeNames();
  const resolver = new Resolver(names.resolve);
  const asking = [all(resolver, 'a'), all(resolver, 'a')];
  names.answer('a', Object.assign(new Error('getaddrinfo EAI_AGAIN a'), { code: 'EAI_AGAIN' }));
  for (const each of asking) await expect(each).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  const again = all(resolver, 'a');
  names.answer('a', [A]);
  expect(await again).toEqual([A]);
  const none = all(resolver, 'empty');
  names.answer('empty', []);
  await expect(none).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('U02 a name is asked for again after five seconds', async () => {
  let now = 0;
  const names = new FakeNames();
  const resolver = new Resolver(names.resolve, () => now);
  const first = all(resolver, 'a');
  names.answer('a', [A]);
  await first;
  now = 4999;
  expect(await all(resolver, 'a')).toEqual([A]);
  now = 5000;
  const second = all(resolver, 'a');
  names.answer('a', [B]);
  expect(await second).toEqual([B]);
});

test('localhost is resolved by the system', async () => {
  expect(JSON.stringify(await all(new Resolver(), 'localhost'))).toContain('127.0.0.1');
});

import '../helpers/one-realm.ts';
import type { LookupAddress } from 'node:dns';
import { type LookupAll, Resolver, withinMs } from '../../src/forward/node-resolve.ts';
import { waitFor } from '../helpers/wait.ts';

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
  const resolver = new Resolver(names.resolve, { now: () => now });
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

const EAI_AGAIN = Object.assign(new Error('getaddrinfo EAI_AGAIN a'), { code: 'EAI_AGAIN' });
const ENOTFOUND = Object.assign(new Error('getaddrinfo ENOTFOUND a'), { code: 'ENOTFOUND' });

describe('U02 a name server that hangs', () => {
  const found: LookupAll = (_hostname, callback) => callback(null, [B]);
  const none: LookupAll = (_hostname, callback) => callback(ENOTFOUND, []);

  test('does not delay the others: name servers are asked without the system after a moment', async () => {
    const names = new FakeNames();
    const resolver = new Resolver(names.resolve, { names: found });
    const asking = ['hangs', 'hangs-too', 'good'].map((name) => all(resolver, name));
    expect(await Promise.all(asking)).toEqual([[B], [B], [B]]);
    expect(names.asked).toEqual(['hangs', 'hangs-too']);
  });

  test('does not delay a name that was known before: its addresses are used until there are others', async () => {
    let now = 0;
    const names = new FakeNames();
    const resolver = new Resolver(names.resolve, { now: () => now, names: none });
    const first = all(resolver, 'a');
    names.answer('a', [A]);
    await first;
    now = 5000;
    expect(await all(resolver, 'a')).toEqual([A]);
    expect(await all(resolver, 'a')).toEqual([A]);
    expect(names.asked).toEqual(['a', 'a']);
    names.answer('a', [B]);
    expect(await all(resolver, 'a')).toEqual([B]);
  });

  test('is waited for where nobody else knows the name', async () => {
    const names = new FakeNames();
    let asked = 0;
    const resolver = new Resolver(names.resolve, {
      names: (hostname, callback) => {
        asked += 1;
        none(hostname, callback);
      },
    });
    const asking = all(resolver, 'a');
    await waitFor(() => asked === 1, { what: 'the name servers to be asked' });
    names.answer('a', [A]);
    expect(await asking).toEqual([A]);
  });

  test('is an error named ETIMEOUT where the time is limited', async () => {
    const lookup = withinMs(new Resolver(new FakeNames().resolve, { names: null }).lookup, 50);
    const code = await new Promise((resolve) => lookup('a', { all: true }, (error) => resolve(error?.code)));
    expect(code).toBe('ETIMEOUT');
  });
});

test('U02 the last addresses outlive a failure of the name server, not the end of the name', async () => {
  let now = 0;
  const names = new FakeNames();
  const resolver = new Resolver(names.resolve, { now: () => now, names: null });
  const ask = (answer: LookupAddress[] | Error): Promise<unknown> => {
    now += 5000;
    const asking = all(resolver, 'a');
    names.answer('a', answer);
    return asking;
  };
  expect(await ask([A])).toEqual([A]);
  expect(await ask(EAI_AGAIN)).toEqual([A]);
  await expect(ask(ENOTFOUND)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(ask(EAI_AGAIN)).rejects.toMatchObject({ code: 'EAI_AGAIN' });
});

test('localhost is resolved by the system', async () => {
  expect(JSON.stringify(await all(new Resolver(), 'localhost'))).toContain('127.0.0.1');
});

describe('names that the hosts file sends to this process', () => {
  const intercepting = () => {
    const [system, servers] = [new FakeNames(), new FakeNames()];
    const resolver = new Resolver(system.resolve, { names: null, pastHosts: servers.resolve });
    return { system, servers, resolver };
  };

  test('are asked of the name servers alone, in any case and with a dot at the end; other names are not', async () => {
    const { system, servers, resolver } = intercepting();
    resolver.passHosts(['Billing.corp']);
    const asking = [all(resolver, 'billing.corp'), all(resolver, 'BILLING.corp.'), all(resolver, 'other.corp')];
    expect([servers.asked, system.asked]).toEqual([['billing.corp', 'BILLING.corp.'], []]);
    servers.answer('billing.corp', [A]);
    servers.answer('BILLING.corp.', [A]);
    system.answer('other.corp', [B]);
    expect(await Promise.all(asking)).toEqual([[A], [A], [B]]);
    expect(system.asked).toEqual(['other.corp']);
  });

  test('what was found before they were named counts no longer, nor after they are named no more', async () => {
    const { system, servers, resolver } = intercepting();
    const before = all(resolver, 'billing.corp');
    system.answer('billing.corp', [{ address: '127.0.0.1', family: 4 }]);
    await before;
    resolver.passHosts(['billing.corp']);
    const passed = all(resolver, 'billing.corp');
    servers.answer('billing.corp', [A]);
    expect(await passed).toEqual([A]);
    // A reload that leaves them alone forgets nothing.
    resolver.passHosts(['billing.corp']);
    expect(await all(resolver, 'billing.corp')).toEqual([A]);
    resolver.passHosts([]);
    const after = all(resolver, 'billing.corp');
    system.answer('billing.corp', [B]);
    expect(await after).toEqual([B]);
  });
});

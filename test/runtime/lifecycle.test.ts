import type { Listener } from '../../src/accept/node-server.ts';
import { Overload } from '../../src/accept/overload.ts';
import { drain } from '../../src/runtime/lifecycle.ts';
import type { PathLog } from '../../src/watch/path-log.ts';

interface Told {
  readonly listener: Listener;
  readonly calls: string[];
}

function listener(): Told {
  const calls: string[] = [];
  const told = (name: string) => (): void => void calls.push(name);
  return {
    calls,
    listener: {
      name: 'l',
      addresses: [],
      inFlight: 0,
      drain: told('drain'),
      destroy: told('destroy'),
      update: told('update'),
      close: async () => void calls.push('close'),
    },
  };
}

const lines: string[] = [];
const log: PathLog = {
  log: (_level, _fields, message) => void lines.push(message),
  write: () => undefined,
  setLevel: () => undefined,
  dropped: 0,
};

test('says that it is not ready before anything is closed, then waits until nothing has been in flight for a while', async () => {
  const { listener: one, calls } = listener();
  const overload = new Overload(10);
  overload.enter();
  setTimeout(() => overload.leave(), 60);
  const started = performance.now();
  await drain(
    {
      listeners: [one],
      overload,
      log,
      announce: () => calls.push('announce'),
      cut: () => calls.push('cut'),
      quietMs: 50,
    },
    'drain',
    5000,
  );
  expect(calls).toEqual(['announce', 'drain', 'close']);
  expect(performance.now() - started).toBeGreaterThanOrEqual(100);
});

test('cuts what is still in flight at the end of its time, and says so', async () => {
  const { listener: one, calls } = listener();
  const overload = new Overload(10);
  overload.enter();
  await drain(
    { listeners: [one], overload, log, announce: () => undefined, cut: () => calls.push('cut'), quietMs: 10 },
    'drain',
    50,
  );
  expect(calls).toEqual(['drain', 'close', 'destroy', 'cut']);
  expect(lines).toContain('requests were cut at the end of shutdown.max');
});

test('native waits only for what is in flight', async () => {
  const { listener: one, calls } = listener();
  const started = performance.now();
  await drain(
    { listeners: [one], overload: new Overload(10), log, announce: () => undefined, cut: () => undefined },
    'native',
    5000,
  );
  expect(calls).toEqual(['drain', 'close']);
  expect(performance.now() - started).toBeLessThan(500);
});

test('a tunnel that nobody ends is cut at the end of its time: the listener waits for its connection', async () => {
  const { listener: one } = listener();
  const tunnel = Promise.withResolvers<void>();
  const overload = new Overload(10);
  overload.enter();
  const listeners = [{ ...one, close: () => tunnel.promise }];
  const cut = (): void => {
    tunnel.resolve();
    overload.leave();
  };
  await drain({ listeners, overload, log, announce: () => undefined, cut, quietMs: 10 }, 'drain', 50);
});

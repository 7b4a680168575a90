import { MirrorSlot } from '../../src/runtime/mirror-slot.ts';

class FakeMirror {
  readonly name: string;
  readonly ended = Promise.withResolvers<void>();
  closed = false;

  constructor(name: string) {
    this.name = name;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.ended.promise;
  }
}

function setUp() {
  const started: FakeMirror[] = [];
  const loads: PromiseWithResolvers<void>[] = [];
  const slot = new MirrorSlot<FakeMirror>();
  const replace = (name: string | null): Promise<void> => {
    const load = (): Promise<void> => {
      const loading = Promise.withResolvers<void>();
      loads.push(loading);
      return loading.promise;
    };
    const start = (): FakeMirror => {
      const mirror = new FakeMirror(name ?? '');
      started.push(mirror);
      return mirror;
    };
    return slot.replace(load, name === null ? null : start);
  };
  /** Everything is loaded, and `ends`: what was told to end has ended. */
  const settle = async ({ ends = true } = {}): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) {
      for (const load of loads) load.resolve();
      if (ends) for (const { closed, ended } of started) if (closed) ended.resolve();
      await Promise.resolve();
    }
  };
  return { slot, started, loads, replace, settle };
}

test('of changes that come faster than a mirror ends, the last one runs, and none beside it', async () => {
  const { slot, started, replace, settle } = setUp();
  const first = replace('a');
  await settle();
  await first;
  expect(slot.mirror?.name).toBe('a');
  const all = ['b', 'c', 'd'].map(replace);
  expect(started[0]?.closed).toBe(true);
  expect(slot.mirror).toBeNull();
  await settle();
  await Promise.all(all);
  expect(started.map(({ name }) => name)).toEqual(['a', 'd']);
  expect(slot.mirror?.name).toBe('d');
});

test('the next one starts only when the one before has ended', async () => {
  const { started, replace, settle } = setUp();
  const first = replace('a');
  await settle();
  await first;
  const [before] = started;
  void replace('b');
  await settle({ ends: false });
  expect(started).toHaveLength(1);
  before?.ended.resolve();
  await settle();
  expect(started.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('none starts that was wanted before it was ready and is not wanted any more', async () => {
  const { slot, started, loads, replace, settle } = setUp();
  const starting = replace('a');
  while (loads.length === 0) await Promise.resolve();
  const ending = replace(null);
  await settle();
  await Promise.all([starting, ending]);
  expect(started).toEqual([]);
  expect(slot.mirror).toBeNull();
});

import { jest } from '@jest/globals';
import { boundGarbage, chunkPassed, collectAtRest } from '../../src/accept/chunk-garbage.ts';

const MIB = 1024 * 1024;

test('the young space is collected after each few MiB of chunks, and not before', () => {
  const collect = jest.fn();
  const before = globalThis.gc;
  Object.assign(globalThis, { gc: collect });
  try {
    for (let passed = 0; passed < 12 * MIB; passed += 65_536) chunkPassed(65_536);
    expect(collect).toHaveBeenCalledTimes(3);
    expect(collect).toHaveBeenCalledWith({ type: 'minor' });
  } finally {
    Object.assign(globalThis, { gc: before });
  }
});

test('without the flag that offers it, nothing is collected and nothing fails', () => {
  const before = globalThis.gc;
  Object.assign(globalThis, { gc: undefined });
  try {
    expect(() => chunkPassed(100 * MIB)).not.toThrow();
  } finally {
    Object.assign(globalThis, { gc: before });
  }
});

test('where memory is short it is collected sooner, and the whole heap when much outside of it may be garbage', () => {
  const collected: string[] = [];
  const before = globalThis.gc;
  Object.assign(globalThis, { gc: ({ type }: { type: string }) => collected.push(type) });
  try {
    boundGarbage(16 * MIB);
    chunkPassed(MIB);
    expect(collected[0]).toBe('minor');
    // That a heap has so much outside at its first look is enough; from then on it is what has been added.
    const kept = Buffer.alloc(6 * MIB);
    collected.length = 0;
    chunkPassed(kept.length);
    expect(collected).toEqual(['minor', 'major']);
    chunkPassed(MIB);
    expect(collected).toEqual(['minor', 'major', 'minor']);
  } finally {
    boundGarbage(64 * MIB);
    Object.assign(globalThis, { gc: before });
  }
});

test('at rest what is left is collected once, where memory is short, and while something passes it is not', () => {
  const collect = jest.fn();
  const before = globalThis.gc;
  Object.assign(globalThis, { gc: collect });
  try {
    collectAtRest();
    collectAtRest();
    expect(collect).not.toHaveBeenCalled();
    boundGarbage(16 * MIB);
    chunkPassed(1);
    collectAtRest();
    expect(collect).not.toHaveBeenCalled();
    collectAtRest();
    expect(collect).toHaveBeenCalledWith({ type: 'major', flavor: 'last-resort' });
    const times = collect.mock.calls.length;
    collectAtRest();
    expect(collect).toHaveBeenCalledTimes(times);
  } finally {
    boundGarbage(64 * MIB);
    Object.assign(globalThis, { gc: before });
  }
});

import { jest } from '@jest/globals';
import { chunkPassed } from '../../src/accept/chunk-garbage.ts';

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

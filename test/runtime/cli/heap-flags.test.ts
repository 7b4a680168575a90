import { beginning, HEAP_FLAGS, SMALL_HEAP_FLAGS } from '../../../src/runtime/cli/heap-flags.ts';

const MIB = 1024 * 1024;

describe('a process begins anew', () => {
  test('with the flags of its heap, and keeps those that it was given', () => {
    const anew = beginning(null, ['--trace-warnings'], {});
    expect(anew?.flags).toEqual([...HEAP_FLAGS, '--trace-warnings']);
    expect(anew?.env).toEqual({ MALLOC_ARENA_MAX: '1' });
  });

  test('not where it has them: the image begins with them', () => {
    expect(beginning(null, HEAP_FLAGS, {})).toBeNull();
    expect(beginning(512 * MIB, HEAP_FLAGS, {})).toBeNull();
  });

  test('with those of a small container in one, also in the image, and once', () => {
    const anew = beginning(64 * MIB, HEAP_FLAGS, {});
    expect(anew?.flags).toEqual(SMALL_HEAP_FLAGS);
    expect(anew?.env).toMatchObject({ MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '16384' });
    expect(beginning(64 * MIB, anew?.flags ?? [], {})).toBeNull();
  });

  test.each([
    ['a flag', ['--max-semi-space-size=8'], {}],
    ['NODE_OPTIONS', [], { NODE_OPTIONS: '--max-semi-space-size=8' }],
    ['a debugger', ['--inspect-brk'], {}],
  ])('never against a person: %s', (_, given, env) => {
    expect(beginning(null, given, env)).toBeNull();
    expect(beginning(64 * MIB, given, env)).toBeNull();
  });
});

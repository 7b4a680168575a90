/**
 * V8's flags for a small sidecar. They can only be given when a process begins, so `run` begins anew with them, in
 * place (execve: same pid, same descriptors, some 30 ms).
 */
import { memoryLimit } from '../config/memory-limit.ts';

/**
 * A young space of 2 MiB halves instead of 16, and an old space that is collected when it has grown by a third: some
 * 60 MiB less stay resident under load, for less than a tenth of the speed.
 */
export const HEAP_FLAGS: readonly string[] = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=30',
  // For src/accept/chunk-garbage.ts.
  '--expose-gc',
  '--disable-warning=ExperimentalWarning',
];

/** In a container of up to this size memory is worth more than a tenth of the speed. */
const SMALL_CONTAINER = 128 * 1024 * 1024;

/**
 * Another 7 MiB less at rest, and 12 under load: V8's middle compiler leaves that much in holes, and what it would have
 * sped up the last one does a little later.
 */
export const SMALL_HEAP_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--optimize-for-size',
  '--no-maglev',
  '--bytecode-old-age=2',
  ...HEAP_FLAGS.slice(1),
];

/** One arena of glibc's allocator instead of one for each thread: what one frees, another can use. */
const ALLOCATOR = { MALLOC_ARENA_MAX: '1' };

/**
 * What a stream is cut into goes back to the system when it is freed, instead of leaving holes of its size between
 * what stays: some 30 MiB under load.
 */
const SMALL_ALLOCATOR = { ...ALLOCATOR, MALLOC_MMAP_THRESHOLD_: '16384', MALLOC_TRIM_THRESHOLD_: '65536' };

/** Does not return when it begins anew; returns where flags were given, or on a platform without execve. */
export function beginWithHeapFlags(limit = memoryLimit()): void {
  const anew = beginning(limit, process.execArgv, process.env);
  if (anew === null || process.execve === undefined) return;
  const [, ...rest] = process.argv;
  process.execve(process.execPath, [process.execPath, ...anew.flags, ...rest], { ...anew.env, ...process.env });
}

export interface Beginning {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Flags and variables to begin anew with; null: go on. `given`: the flags of this process. `limit`: null for none. */
export function beginning(
  limit: number | null,
  given: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Beginning | null {
  const isSmall = limit !== null && limit <= SMALL_CONTAINER;
  const [flags, allocator] = isSmall ? [SMALL_HEAP_FLAGS, SMALL_ALLOCATOR] : [HEAP_FLAGS, ALLOCATOR];
  // The image's own are ours to replace; those of a person are not.
  const others = given.filter((flag) => !HEAP_FLAGS.includes(flag));
  const text = [...(isSmall ? others : given), env.NODE_OPTIONS ?? ''].join(' ');
  if (text.includes('semi-space-size') || text.includes('--inspect')) return null;
  return { flags: [...flags, ...others], env: allocator };
}

/** How much memory the container may use, as the kernel's control groups say. */
import { readFileSync } from 'node:fs';

/** cgroup v2, then v1; inside a container both are seen from its own root. */
const limitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];
/** v1 says "no limit" as a number near 2^63; no machine has a pebibyte. */
const noLimit = 2 ** 50;
const bufferShare = 4;
const buffersWithoutLimit = 64 * 2 ** 20;

/** Bytes, or null where there is no limit. `readText` returns null where there is no such file. */
export function readMemoryLimit(readText: (path: string) => string | null): number | null {
  for (const file of limitFiles) {
    const text = readText(file)?.trim();
    if (text === undefined) continue;
    const bytes = Number(text);
    return Number.isFinite(bytes) && bytes > 0 && bytes < noLimit ? bytes : null;
  }
  return null;
}

/** Of this container. */
export function memoryLimit(): number | null {
  return readMemoryLimit((path) => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      // No control group of this version.
      return null;
    }
  });
}

const largestShown = 64 * 2 ** 20;
/** To be shown, a body is unsealed, searched for secrets and written as text: that takes some times its size. */
const shownShare = 16;

/** A larger body is left out where records are shown. */
export function shownBodyBytes(limit: number | null): number {
  return limit === null ? largestShown : Math.min(largestShown, Math.floor(limit / shownShare));
}

/** What `limits.bufferBytes: auto` stands for. */
export function autoBufferBytes(limit: number | null): number {
  return limit === null ? buffersWithoutLimit : Math.floor(limit / bufferShare);
}

/** Environment variables and files that templates name. */
import { readFileSync, statSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** undefined: there is no such variable, or the file could never be read. */
export interface ValueSource {
  env(name: string): string | undefined;
  file(path: string): string | undefined;
}

/** What tells one version of a file from the next; follows symlinks, so that a swap is seen. */
export interface FileStamp {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  isFile(): boolean;
}

export interface ValueSourceOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file to read for a path, with its links followed. Throws where it may not be read. */
  readonly resolve?: (path: string) => string;
  /** UTF-8 text. Throws when it can't be read. */
  readonly readFile?: (path: string) => string;
  /** Throws when there is no such file. */
  readonly stat?: (path: string) => FileStamp;
  /** Milliseconds of a clock that never jumps. */
  readonly now?: () => number;
}

const RECHECK_MS = 1000;
/** Longer than any header section that Outrider takes: not a value. */
const MAX_FILE_BYTES = 64 * 1024;

interface KeptFile {
  value: string | undefined;
  stamp: FileStamp | undefined;
  checkedAt: number;
}

function isSame(a: FileStamp | undefined, b: FileStamp): boolean {
  return (
    a !== undefined &&
    a.ino === b.ino &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.size === b.size &&
    a.dev === b.dev
  );
}

/**
 * Files are read when first used, looked at again at most once a second when used, and read again when they changed
 * (also by a swap of symlinks, as Kubernetes does it). Line ends at their end are cut off. A file that vanishes, or
 * can't be read any more, keeps its last value: a secret in the middle of a rotation stops no traffic. What is no
 * regular file, or over 64 KiB, can't be read.
 */
export function createValueSource(options: ValueSourceOptions): ValueSource {
  const { env, resolve = (path: string) => path, stat = statSync, now = () => performance.now() } = options;
  const readFile = options.readFile ?? ((path: string) => readFileSync(path, 'utf8'));
  const files = new Map<string, KeptFile>();

  function refresh(path: string, kept: KeptFile): void {
    try {
      // The stamp is older than what is read: a change in between is seen at the next look.
      const file = resolve(path);
      const stamp = stat(file);
      if (isSame(kept.stamp, stamp) || !stamp.isFile() || stamp.size > MAX_FILE_BYTES) return;
      kept.value = readFile(file).replace(/[\r\n]+$/, '');
      kept.stamp = stamp;
    } catch {
      // The last good value stays; without one the caller sees undefined and names the reference in its error.
      kept.stamp = undefined;
    }
  }

  function fileAt(path: string): KeptFile {
    const known = files.get(path);
    if (known !== undefined) return known;
    const added: KeptFile = { value: undefined, stamp: undefined, checkedAt: Number.NEGATIVE_INFINITY };
    files.set(path, added);
    return added;
  }

  return {
    env: (name) => (Object.hasOwn(env, name) ? env[name] : undefined),
    file: (path) => {
      const kept = fileAt(path);
      const time = now();
      if (time - kept.checkedAt >= RECHECK_MS) {
        kept.checkedAt = time;
        refresh(path, kept);
      }
      return kept.value;
    },
  };
}

/** Small volumes that a test can fill, take away or make read-only: only for root, where it may mount. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from './cleanup.ts';
import { testUnless } from './skip.ts';

export class Volume {
  readonly path: string;
  readonly #options: string;

  constructor(bytes: number) {
    this.path = temporaryFolder();
    this.#options = `size=${bytes}`;
    this.mount('');
    // Lazily: whoever still has a file open there does not keep the test from ending.
    cleanUp(() => void spawnSync('umount', ['-l', this.path]));
  }

  /** `how`: more options, such as `ro`. */
  mount(how: string): void {
    const options = how === '' ? this.#options : `${this.#options},${how}`;
    run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', this.path]);
  }

  /** Throws while a file is open for writing there. */
  remount(how: 'ro' | 'rw'): void {
    run('mount', ['-o', `remount,${how}`, this.path]);
  }

  /** Takes it away from under whoever uses it. */
  unmount(): void {
    run('umount', ['-l', this.path]);
  }

  /** Leaves no byte free, also while others write there. */
  fill(): void {
    const file = openSync(this.#ballast(), 'w');
    // Coarse, then finer, so that not one page is left.
    for (const size of [1 << 20, 4096, 1]) while (append(file, Buffer.alloc(size)));
    closeSync(file);
  }

  /** Takes the ballast away. */
  free(): void {
    rmSync(this.#ballast(), { force: true });
  }

  #ballast(): string {
    return join(this.path, 'ballast');
  }
}

/** False: the volume is full. */
function append(file: number, bytes: Uint8Array): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

export const MAY_MOUNT = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

/** Skipped, loudly, where this user may not mount; in CI that is a failure. */
export function testWithVolume(title: string, body: () => Promise<void>, timeoutMs?: number): void {
  testUnless(MAY_MOUNT ? undefined : 'THIS USER MAY NOT MOUNT', title, body, timeoutMs);
}

/** Small volumes that a test can fill, take away or make read-only: only for root, where it may mount. */
import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from './cleanup.ts';

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

  /** Leaves no byte free. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.path);
    writeFileSync(this.#ballast(), Buffer.alloc(Math.max(0, bavail - 1) * bsize));
    for (let n = 0; statfsSync(this.path).bavail > 0; n += 1) writeFileSync(`${this.#ballast()}${n}`, 'x');
  }

  /** Takes the ballast away. */
  free(): void {
    for (let n = 0; n < 10; n += 1) rmSync(`${this.#ballast()}${n}`, { force: true });
    rmSync(this.#ballast(), { force: true });
  }

  #ballast(): string {
    return join(this.path, 'ballast');
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

const MAY_MOUNT = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

/** Skipped, loudly, where this user may not mount; in CI that is a failure. */
export function testWithVolume(title: string, body: () => Promise<void>, timeoutMs?: number): void {
  if (MAY_MOUNT || process.env.CI === 'true') {
    test(title, body, timeoutMs);
    return;
  }
  process.stderr.write(`skipped, this user may not mount: ${title}\n`);
  test.skip(title, body);
}

import type { CliContext } from './context.ts';
import { beginWithHeapFlags } from './heap-flags.ts';

/** Runs the ambassador until it ends; gives its exit code. @throws ConfigError when it can't start with this. */
export async function run(configPath: string | undefined, { env }: CliContext): Promise<number> {
  beginWithHeapFlags();
  const { runOutrider } = await import('../run.ts');
  const running = await runOutrider({ ...(configPath === undefined ? {} : { configPath }), env });
  return running.exited;
}

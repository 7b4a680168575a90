import { runOutrider } from '../run.ts';
import type { CliContext } from './context.ts';

/** Runs the ambassador until it ends; gives its exit code. @throws ConfigError when it can't start with this. */
export async function run(configPath: string | undefined, { env }: CliContext): Promise<number> {
  const running = await runOutrider({ ...(configPath === undefined ? {} : { configPath }), env });
  return running.exited;
}

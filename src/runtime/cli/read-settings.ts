import type { Settings } from '../../settings.ts';
import { loadConfig } from '../config/load.ts';
import type { CliContext } from './context.ts';

/** The configuration, its warnings told on standard error. @throws ConfigError with every mistake */
export function readSettings(path: string | undefined, { env, err }: CliContext): Settings {
  const { settings, warnings } = loadConfig({ ...(path === undefined ? {} : { path }), env });
  for (const warning of warnings) err(`warning: ${warning}`);
  return settings;
}

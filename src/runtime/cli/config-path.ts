import { existsSync } from 'node:fs';

/** Where the chart mounts the configuration, and the image expects it. */
export const DEFAULT_CONFIG_FOLDER = '/etc/outrider';

/**
 * The folder or file of the configuration: what was given, else `OUTRIDER_CONFIG`, else `SIDECAR_CONFIG` (the older
 * dispatcher's), else /etc/outrider where there is one. undefined: the environment alone. An empty variable counts
 * as not set.
 */
export function findConfigPath(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  const named = given ?? (env.OUTRIDER_CONFIG || env.SIDECAR_CONFIG || undefined);
  if (named !== undefined) return named;
  return exists(DEFAULT_CONFIG_FOLDER) ? DEFAULT_CONFIG_FOLDER : undefined;
}

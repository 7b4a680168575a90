/** What sends the application's plain HTTP to the sidecar without a change of its configuration: its environment. */
import { asText, valueAt } from '../config/raw-value.ts';
import type { InjectSettings } from './inject-settings.ts';
import type { Patch } from './json-patch.ts';
import { SIDECAR } from './sidecar.ts';
import type { InjectStatus } from './status.ts';

/** Not through the sidecar: the pod itself, and a cloud's metadata. */
const DIRECT = 'localhost,127.0.0.1,::1,169.254.169.254';

/**
 * Adds the variables to the application's containers that don't have them.
 *
 * @param before what was added earlier
 * @returns the names that are ours, by container
 */
export function addAppEnv(
  patch: Patch,
  settings: InjectSettings,
  before: Readonly<Record<string, readonly string[]>>,
): Record<string, readonly string[]> {
  const all: Record<string, readonly string[]> = { ...before };
  const variables = variablesFor(settings);
  for (const [index, container] of patch.list('spec', 'containers').entries()) {
    const name = asText(valueAt(container, ['name'])) ?? '';
    if (name === SIDECAR.name || (settings.containers.length > 0 && !settings.containers.includes(name))) continue;
    const path = ['spec', 'containers', index, 'env'];
    const there = patch.list(...path).map((variable) => valueAt(variable, ['name']));
    const added = variables.filter((variable) => !there.includes(variable.name));
    for (const variable of added) patch.insert(path, variable);
    if (added.length > 0) all[name] = [...addedTo(name, before), ...added.map((variable) => variable.name)];
  }
  return all;
}

/** Both cases: curl reads only http_proxy, others only HTTP_PROXY. */
function variablesFor({ envMode, port }: InjectSettings): { readonly name: string; readonly value: string }[] {
  const url = `http://localhost:${port}`;
  switch (envMode) {
    case 'none':
      return [];
    case 'base-url':
      return [{ name: 'OUTRIDER_URL', value: url }];
    case 'http-proxy':
      return [
        { name: 'HTTP_PROXY', value: url },
        { name: 'http_proxy', value: url },
        { name: 'NO_PROXY', value: DIRECT },
        { name: 'no_proxy', value: DIRECT },
      ];
  }
}

/** A container may be called `constructor`. */
export function addedTo(container: string, env: InjectStatus['env']): readonly string[] {
  return Object.hasOwn(env, container) ? (env[container] ?? []) : [];
}

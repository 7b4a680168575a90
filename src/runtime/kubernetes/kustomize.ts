/** The injection as a kustomize Component: a strategic merge patch for each workload. */
import { Document } from 'yaml';
import { isMapping, valueAt } from '../config/raw-value.ts';
import type { ManifestChange } from './inject-manifest.ts';
import type { Step } from './json-patch.ts';
import { listAt } from './pod-checks.ts';
import { createYamlNode } from './yaml-node.ts';

/** Text of a kustomization.yaml; to be put into a folder of its own, which `components:` of an overlay names. */
export function kustomizeComponent(changes: readonly ManifestChange[]): string {
  const component = {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    patches: changes.map(({ object, before, after, path }) => ({
      patch: toYaml(patchFor(object, before, after, path)),
    })),
  };
  return toYaml(component);
}

function toYaml(value: unknown): string {
  return new Document(createYamlNode(value), { schema: 'failsafe' }).toString({
    lineWidth: 0,
    flowCollectionPadding: false,
  });
}

function patchFor(object: unknown, before: unknown, after: unknown, path: readonly Step[]): unknown {
  const metadata = added(valueAt(before, ['metadata']), valueAt(after, ['metadata']));
  const spec = specPatch(valueAt(before, ['spec']), valueAt(after, ['spec']));
  const id = { apiVersion: valueAt(object, ['apiVersion']), kind: valueAt(object, ['kind']) };
  const namespace = valueAt(object, ['metadata', 'namespace']);
  const names = { name: valueAt(object, ['metadata', 'name']), ...(namespace !== undefined && { namespace }) };
  // Of a Pod the template is the object.
  if (path.length === 0) return { ...id, metadata: { ...names, ...metadata }, spec };
  const inner = [...path].reverse().reduce<unknown>((value, step) => ({ [step]: value }), { metadata, spec });
  return { ...id, metadata: names, ...(isMapping(inner) ? inner : {}) };
}

/** Keys of `after`'s mappings that `before` has not, or has otherwise; lists are left to specPatch. */
function added(before: unknown, after: unknown): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(isMapping(after) ? after : {})) {
    const old = valueAt(before, [key]);
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    result[key] = isMapping(value) && isMapping(old) ? added(old, value) : value;
  }
  return result;
}

function specPatch(before: unknown, after: unknown): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(added(before, after))) {
    if (key === 'containers' || key === 'initContainers') result[key] = containersPatch(before, after, key);
    // Merged by name, so that only what is new has to be there.
    else if (key === 'volumes' || key === 'imagePullSecrets') result[key] = newItems(before, after, key);
    // Merged by address: what the pod has for loopback must be said again.
    else if (key === 'hostAliases') result[key] = loopback(after);
    else result[key] = value;
  }
  return result;
}

function newItems(before: unknown, after: unknown, key: string): unknown[] {
  const names = listAt(before, key).map((item) => valueAt(item, ['name']));
  return listAt(after, key).filter((item) => !names.includes(valueAt(item, ['name'])));
}

function containersPatch(before: unknown, after: unknown, key: string): unknown[] {
  const old = listAt(before, key);
  return listAt(after, key).flatMap((container) => {
    const name = valueAt(container, ['name']);
    const same = old.find((one) => valueAt(one, ['name']) === name);
    if (same === undefined) return [container];
    const env = newItems(same, container, 'env');
    return env.length === 0 ? [] : [{ name, env }];
  });
}

function loopback(after: unknown): unknown[] {
  const aliases = listAt(after, 'hostAliases').filter((alias) => valueAt(alias, ['ip']) === '127.0.0.1');
  return [{ ip: '127.0.0.1', hostnames: aliases.flatMap((alias) => listAt(alias, 'hostnames')) }];
}

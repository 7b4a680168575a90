/** Every workload of a file of manifests, injected or freed of its sidecar. */
import { asText, valueAt } from '../config/raw-value.ts';
import { type InjectRequest, injectPod } from './inject-pod.ts';
import { applyPatch, type PatchOperation, type Step } from './json-patch.ts';
import type { ManifestFile } from './manifest.ts';
import { LABELS } from './names.ts';
import { InjectRefusal } from './refusal.ts';
import { uninjectPod } from './uninject-pod.ts';
import { nameOfObject, rolloutWarnings, templatePath, withoutLiveFields } from './workload.ts';

export interface ManifestChange {
  /** `Deployment/acme`. */
  readonly name: string;
  readonly object: unknown;
  /** Pod template before and after; the object itself, of a Pod. */
  readonly before: unknown;
  readonly after: unknown;
  readonly path: readonly Step[];
  readonly result: string;
  readonly warnings: readonly string[];
}

export interface ManifestResult {
  readonly changes: readonly ManifestChange[];
  /** Why something was refused, one line each. The file is unchanged then. */
  readonly refusals: readonly string[];
}

type Work = (
  object: unknown,
  path: readonly Step[],
) => { change: ManifestChange; operations: readonly PatchOperation[] };

export function injectManifests(file: ManifestFile, request: InjectRequest): ManifestResult {
  return changeManifests(file, (object, path) => {
    const live = withoutLiveFields(object);
    const before = templateIn(applyPatch(object, live), path);
    const { operations, document, warnings, result } = injectPod(before, request);
    const spool =
      request.given.get('spool') ?? asText(valueAt(before, ['metadata', 'annotations', 'outrider.dev/spool']));
    const all = [...warnings, ...rolloutWarnings(object, spool?.startsWith('pvc:') === true ? 'claim' : '')];
    const change = { name: nameOfObject(object), object, before, after: document, path, result, warnings: all };
    return { change, operations: [...live, ...below(path, operations)] };
  });
}

export function uninjectManifests(file: ManifestFile): ManifestResult {
  return changeManifests(file, (object, path) => {
    const live = withoutLiveFields(object);
    const before = templateIn(applyPatch(object, live), path);
    const { operations, document, removed } = uninjectPod(before);
    const asked = asText(valueAt(document, ['metadata', 'labels', LABELS.inject])) === 'true';
    const warnings = asked ? [`its label ${LABELS.inject}: "true" still asks the injector for a sidecar`] : [];
    const result = removed ? 'uninjected' : 'unchanged';
    const change = { name: nameOfObject(object), object, before, after: document, path, result, warnings };
    return { change, operations: [...live, ...below(path, operations)] };
  });
}

/** All or nothing: half of a file must not reach a cluster. */
function changeManifests(file: ManifestFile, work: Work): ManifestResult {
  const refusals: string[] = [];
  const done = file.objects.flatMap((manifest) => {
    const path = templatePath(manifest.value);
    if (path === null) return [];
    try {
      return [{ manifest, ...work(manifest.value, path) }];
    } catch (error) {
      if (!(error instanceof InjectRefusal)) throw error;
      refusals.push(`${nameOfObject(manifest.value)}: ${error.message}`);
      return [];
    }
  });
  if (refusals.length === 0) for (const { manifest, operations } of done) manifest.apply(operations);
  return { changes: done.map(({ change }) => change), refusals };
}

function templateIn(object: unknown, path: readonly Step[]): unknown {
  return path.length === 0 ? object : valueAt(object, path);
}

function below(path: readonly Step[], operations: readonly PatchOperation[]): PatchOperation[] {
  return operations.map((operation) => ({ ...operation, path: [...path, ...operation.path] }));
}

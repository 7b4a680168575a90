/** Where a manifest has its pod, and what of a live object is not for `kubectl apply`. */
import { isMapping, valueAt } from '../config/raw-value.ts';
import { Patch, type PatchOperation, type Step } from './json-patch.ts';
import { InjectRefusal } from './refusal.ts';

/** What the API server writes; applied again it is noise at best, a conflict at worst. */
const LIVE_FIELDS = ['creationTimestamp', 'generation', 'managedFields', 'resourceVersion', 'selfLink', 'uid'];
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of a Job that ran: they name the pods of that run. */
const RUN_LABELS = ['controller-uid', 'job-name', 'batch.kubernetes.io/controller-uid', 'batch.kubernetes.io/job-name'];

/** `Deployment/acme`. */
export function nameOfObject(object: unknown): string {
  const kind = valueAt(object, ['kind']);
  const name = valueAt(object, ['metadata', 'name']) ?? valueAt(object, ['metadata', 'generateName']);
  return `${String(kind ?? 'object')}/${String(name ?? '?')}`;
}

/** The path of the pod's template (the object itself, of a Pod); null: it makes no pods. */
export function templatePath(object: unknown): readonly Step[] | null {
  const kind = valueAt(object, ['kind']);
  if (kind === 'Pod') return [];
  if (kind === 'CronJob') return ['spec', 'jobTemplate', 'spec', 'template'];
  if (kind === 'PodTemplate') return ['template'];
  // By its form: also what others define, such as a Rollout.
  const hasPods = Array.isArray(valueAt(object, ['spec', 'template', 'spec', 'containers']));
  return hasPods ? ['spec', 'template'] : null;
}

/**
 * What must go before the object can be applied.
 *
 * @throws InjectRefusal for a pod that runs: its containers can't be changed
 */
export function withoutLiveFields(object: unknown): readonly PatchOperation[] {
  const metadata = valueAt(object, ['metadata']);
  const kind = valueAt(object, ['kind']);
  const isLive = isMapping(metadata) && (metadata.uid !== undefined || metadata.resourceVersion !== undefined);
  if (isLive && kind === 'Pod') {
    const owner = valueAt(object, ['metadata', 'ownerReferences', 0, 'name']);
    const made =
      owner === undefined ? 'the manifest it was made from' : `what made it (${String(owner)}, or its owner)`;
    throw new InjectRefusal(`a pod that runs can't get another container: inject ${made}`);
  }
  const patch = new Patch(object);
  patch.remove(['status']);
  for (const field of LIVE_FIELDS) patch.remove(['metadata', field]);
  patch.prune(['metadata', 'annotations', LAST_APPLIED]);
  if (isLive && kind === 'Job') {
    patch.remove(['spec', 'selector']);
    for (const label of RUN_LABELS) patch.prune(['spec', 'template', 'metadata', 'labels', label], 3);
  }
  return patch.operations;
}

/** A claim that one node mounts at a time can't follow a rolling update. */
export function rolloutWarnings(object: unknown, spoolKind: string): string[] {
  const warnings: string[] = [];
  const isLive = valueAt(object, ['metadata', 'uid']) !== undefined;
  const kind = valueAt(object, ['kind']);
  if (isLive && kind === 'Job') warnings.push('a Job can not be changed: `kubectl replace --force -f -` makes it anew');
  if (spoolKind === 'claim' && kind === 'Deployment' && valueAt(object, ['spec', 'strategy', 'type']) !== 'Recreate') {
    warnings.push('two pods may want the claim during a rolling update: set strategy.type: Recreate');
  }
  return warnings;
}

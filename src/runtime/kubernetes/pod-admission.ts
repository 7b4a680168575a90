/** A pod that is about to be made: gets the sidecar, is let through without it, or is refused with the reason. */
import { asText, isMapping, valueAt } from '../config/raw-value.ts';
import type { Verdict } from './admission.ts';
import { type InjectBase, injectPod } from './inject-pod.ts';
import { toJsonPatch } from './json-patch.ts';
import { LABELS, MIRROR_ANNOTATION, PREFIX } from './names.ts';
import { containersOf } from './pod-checks.ts';
import { InjectRefusal } from './refusal.ts';
import { SIDECAR } from './sidecar.ts';
import { readStatus } from './status.ts';

export interface InjectorBase extends InjectBase {
  /** Settings under those of the pod; by their names. */
  readonly defaults: ReadonlyMap<string, string>;
}

export function admitPod(pod: unknown, base: InjectorBase): Verdict {
  const skipped = skipReason(pod);
  if (skipped !== null) {
    const { reason, warning } = skipped;
    return { allowed: true, result: 'skipped', reason, warnings: warning === '' ? [] : [`outrider: ${warning}`] };
  }
  try {
    const { operations, warnings, result } = injectPod(pod, {
      ...base,
      given: defaultsFor(pod, base.defaults),
      nameOf: (setting) => `${PREFIX}${setting}`,
      stale: 'leave',
    });
    const told = warnings.map((warning) => `outrider: ${warning}`);
    return { allowed: true, result, reason: 'none', warnings: told, patch: toJsonPatch(operations) };
  } catch (error) {
    if (!(error instanceof InjectRefusal)) throw error;
    const message = `the pod can't get the Outrider sidecar that ${asked(pod)} asks for: ${error.message}. To start it without: label ${LABELS.inject}: "false"`;
    return { allowed: false, result: 'denied', reason: 'refused', message };
  }
}

/** What the pod says itself is not given again: it stays where it is. */
function defaultsFor(pod: unknown, defaults: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...defaults].filter(([name]) => annotationOf(pod, `${PREFIX}${name}`) === undefined));
}

function skipReason(pod: unknown): { readonly reason: string; readonly warning: string } | null {
  const label = labelOf(pod);
  if (label === 'false') return { reason: 'label', warning: '' };
  if (annotationOf(pod, MIRROR_ANNOTATION) !== undefined) return { reason: 'mirrorPod', warning: '' };
  const present = containersOf(valueAt(pod, ['spec'])).some(({ name }) => name === SIDECAR.name);
  if (present && readStatus(pod) === null) {
    return { reason: 'present', warning: `the pod has a container "${SIDECAR.name}" already: nothing was put in` };
  }
  if (label !== 'true' && valueAt(pod, ['spec', 'hostNetwork']) === true) {
    // It did not ask itself: its namespace did, for all.
    return { reason: 'hostNetwork', warning: 'a pod with hostNetwork: true gets no sidecar' };
  }
  return null;
}

function asked(pod: unknown): string {
  return labelOf(pod) === 'true' ? `its label ${LABELS.inject}` : `its namespace's label ${LABELS.inject}`;
}

function labelOf(pod: unknown): string | null {
  const labels = valueAt(pod, ['metadata', 'labels']);
  return isMapping(labels) ? asText(labels[LABELS.inject]) : null;
}

function annotationOf(pod: unknown, name: string): unknown {
  const annotations = valueAt(pod, ['metadata', 'annotations']);
  return isMapping(annotations) ? annotations[name] : undefined;
}

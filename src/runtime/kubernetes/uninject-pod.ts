/** Takes out what an injection put in, by its own account of it; what was there before stays. */
import { valueAt } from '../config/raw-value.ts';
import { addedTo } from './app-env.ts';
import { Patch, type PatchOperation } from './json-patch.ts';
import { LABELS, STATUS_ANNOTATION, UNPRIVILEGED_PORT_SYSCTL } from './names.ts';
import { containersOf } from './pod-checks.ts';
import { InjectRefusal } from './refusal.ts';
import { SIDECAR } from './sidecar.ts';
import { type InjectStatus, readStatus } from './status.ts';

export interface Uninjection {
  readonly operations: readonly PatchOperation[];
  readonly document: unknown;
  readonly removed: boolean;
}

/** @throws InjectRefusal where a sidecar is there that something else put in */
export function uninjectPod(template: unknown): Uninjection {
  const status = readStatus(template);
  const containers = containersOf(valueAt(template, ['spec'])).map(({ name }) => name);
  if (status === null) {
    if (!containers.includes(SIDECAR.name)) return { operations: [], document: template, removed: false };
    throw new InjectRefusal(
      `it has a container "${SIDECAR.name}" without the annotation ${STATUS_ANNOTATION}: it was not put in by \`outrider inject\`, so take it out where it came from`,
    );
  }
  const patch = new Patch(template);
  for (const list of ['initContainers', 'containers']) {
    removeItems(patch, ['spec', list], (item) => valueAt(item, ['name']) === status.container);
  }
  removeItems(patch, ['spec', 'volumes'], (item) => status.volumes.includes(String(valueAt(item, ['name']))));

  removeEnv(patch, status);
  removePodFields(patch, status);
  for (const key of [...status.annotations, STATUS_ANNOTATION]) patch.prune(['metadata', 'annotations', key], 0);
  patch.prune(['metadata', 'labels', LABELS.injected], 0);
  return { operations: patch.operations, document: patch.document, removed: true };
}

function removeEnv(patch: Patch, { env }: InjectStatus): void {
  for (const [index, container] of patch.list('spec', 'containers').entries()) {
    const names = addedTo(String(valueAt(container, ['name'])), env);
    const path = ['spec', 'containers', index, 'env'];
    if (names.length > 0) removeItems(patch, path, (item) => names.includes(String(valueAt(item, ['name']))));
  }
}

function removePodFields(patch: Patch, { hosts, sysctl, fsGroup, imagePullSecrets }: InjectStatus): void {
  if (hosts.length > 0) {
    removeItems(patch, ['spec', 'hostAliases'], (item) => {
      return JSON.stringify(valueAt(item, ['hostnames'])) === JSON.stringify(hosts);
    });
  }
  const context = ['spec', 'securityContext'];
  if (sysctl) {
    removeItems(patch, [...context, 'sysctls'], (item) => valueAt(item, ['name']) === UNPRIVILEGED_PORT_SYSCTL);
  }
  if (fsGroup) {
    patch.prune([...context, 'fsGroup']);
    patch.prune([...context, 'fsGroupChangePolicy']);
  }
  removeItems(patch, ['spec', 'imagePullSecrets'], (item) =>
    imagePullSecrets.includes(String(valueAt(item, ['name']))),
  );
}

/** From the end, so that indices hold; a list that is empty by it goes, too. */
function removeItems(patch: Patch, path: readonly (string | number)[], isOurs: (item: unknown) => boolean): void {
  const indices = patch.list(...path).flatMap((item, index) => (isOurs(item) ? [index] : []));
  for (const index of indices.reverse()) patch.prune([...path, index], 1);
}

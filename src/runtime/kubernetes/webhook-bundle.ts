/** `caBundle` of our own webhook configurations: set when the authority changes, and again when something resets it. */
import { valueAt } from '../config/raw-value.ts';
import { refused } from './certificate-store.ts';
import type { KubeApi } from './node-kube-api.ts';

export type WebhookKind = 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations';

/**
 * @param bundle PEM
 * @returns whether it was right already
 * @throws Error with what to do
 */
export async function ensureBundle(api: KubeApi, kind: WebhookKind, name: string, bundle: string): Promise<boolean> {
  const path = `/apis/admissionregistration.k8s.io/v1/${kind}/${name}`;
  const answer = await api.ask('GET', path);
  if (answer.status !== 200) throw new Error(refused(answer, `${kind}/${name} can't be read`));
  const wanted = Buffer.from(bundle).toString('base64');
  const webhooks = valueAt(answer.body, ['webhooks']);
  const patch = (Array.isArray(webhooks) ? webhooks : []).flatMap((webhook: unknown, index) => {
    if (valueAt(webhook, ['clientConfig', 'caBundle']) === wanted) return [];
    // A list has no keys: what stands at this index must still be what was read.
    return [
      { op: 'test', path: `/webhooks/${index}/name`, value: valueAt(webhook, ['name']) },
      { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: wanted },
    ];
  });
  if (patch.length === 0) return true;
  const patched = await api.ask('PATCH', path, patch);
  if (patched.status !== 200) throw new Error(refused(patched, `${kind}/${name} can't be patched`));
  return false;
}

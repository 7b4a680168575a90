/** AdmissionReview (admission.k8s.io/v1): what the API server asks, and what it is answered. */
import { asText, valueAt } from '../config/raw-value.ts';

export interface AdmissionRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly object: unknown;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Why not; people read it where they ran kubectl. */
  readonly message?: string;
  readonly warnings?: readonly string[];
  /** RFC 6902. */
  readonly patch?: readonly unknown[];
  /** For the metric and the log. */
  readonly result: string;
  readonly reason: string;
}

/** kubectl shows the first 256 bytes of a warning, and 4 KiB of all. */
const WARNING_BYTES = 250;
const MAX_WARNINGS = 10;

/** null where it is no review. */
export function readReview(body: unknown): AdmissionRequest | null {
  const request = valueAt(body, ['request']);
  const uid = asText(valueAt(request, ['uid']));
  const isReview =
    valueAt(body, ['kind']) === 'AdmissionReview' && valueAt(body, ['apiVersion']) === 'admission.k8s.io/v1';
  if (!isReview || uid === null || uid === '') return null;
  return { uid, namespace: asText(valueAt(request, ['namespace'])) ?? '', object: valueAt(request, ['object']) };
}

export function writeReview(uid: string, { allowed, message, warnings = [], patch = [] }: Verdict): unknown {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(message !== undefined && { status: { code: 403, reason: 'Forbidden', message } }),
      ...(warnings.length > 0 && {
        warnings: warnings.slice(0, MAX_WARNINGS).map((text) => text.slice(0, WARNING_BYTES)),
      }),
      ...(patch.length > 0 && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    },
  };
}

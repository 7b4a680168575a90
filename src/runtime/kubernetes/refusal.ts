/** Why a pod can't have the sidecar: what is in the way, and what to do about it. */

export class InjectRefusal extends Error {
  override readonly name = 'InjectRefusal';
}

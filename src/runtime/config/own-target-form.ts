/** A listener's target that is a URL, not the name of a target: names have no slashes. */
export function isOwnTarget(target: string): boolean {
  return target.includes('://');
}

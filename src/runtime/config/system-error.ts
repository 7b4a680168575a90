/**
 * The code of an error of Node or the system (`ENOENT`, `ERR_…`); null for any other value. By its shape, since such an
 * error may come from another realm.
 */
export function errorCodeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

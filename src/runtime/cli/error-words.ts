/** `EADDRINUSE`, `ENOENT` and their like, from the error or what caused it; undefined where there is none. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  // Every address of a name failed: the first tells why.
  return systemCode(Array.isArray(errors) ? errors[0] : cause);
}

/** The system's code, else the error's own words. */
export function causeOf(error: unknown): string {
  return systemCode(error) ?? messageOf(error);
}

export function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

/** What is told of an error that somebody else raised. By its properties: it may come from another realm or thread. */

/** `EADDRINUSE`, `ENOENT` …; '' where there is none. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** Its message, without its stack. */
export function errorText(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

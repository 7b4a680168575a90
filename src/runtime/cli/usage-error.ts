/** The command can't be carried out as it was given: one line, exit 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood and failed: one line, exit 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

/** What the spool and the sealing raise: which operation failed, why, and in the message what to do. */

/** The values of the label `operation` of `outrider_spool_errors_total`. */
export type SpoolOperation = 'open' | 'commit' | 'read' | 'delete' | 'copy';

/**
 * `locked`: another process owns the folder. `key`: the key does not fit or can't be read. `quota`: no room left by
 * `spool.size`. `full`: the disk is. `corrupt`: what is stored can't be read. `io`: the disk failed. `access`: rights,
 * read-only, not a folder. `version`: made by a newer release. `closed`: the spool is closed or has failed before.
 */
export type SpoolFault = 'locked' | 'key' | 'quota' | 'full' | 'corrupt' | 'io' | 'access' | 'version' | 'closed';

export class SpoolError extends Error {
  readonly operation: SpoolOperation;
  readonly fault: SpoolFault;

  constructor(operation: SpoolOperation, fault: SpoolFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SpoolError';
    this.operation = operation;
    this.fault = fault;
  }
}

/** Primary result codes: https://www.sqlite.org/rescode.html */
const SQLITE: Readonly<Record<number, SpoolFault>> = {
  // A statement that does not fit the schema, which is ours: it was damaged.
  1: 'corrupt',
  3: 'access',
  5: 'locked',
  6: 'locked',
  8: 'access',
  10: 'io',
  11: 'corrupt',
  13: 'full',
  14: 'access',
  23: 'access',
  26: 'corrupt',
};

const SYSTEM: Readonly<Record<string, SpoolFault>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EACCES: 'access',
  EPERM: 'access',
  EROFS: 'access',
  ENOENT: 'access',
  ENOTDIR: 'access',
  EEXIST: 'access',
  ELOOP: 'access',
};

const FIXES: Readonly<Record<SpoolFault, string>> = {
  locked: 'another process has it open: end that one, or give this one its own spool.path or pod name',
  key: 'see spool.keyFile',
  quota: 'raise spool.size, or let the mirror or a person release records',
  full: 'free space on that volume, or lower spool.size below what it has',
  corrupt: 'keep the files for a look; a fresh spool is started beside them',
  io: 'the disk or volume fails: see the kernel log, then move the spool to another volume',
  access: 'give this user (uid) write access to spool.path: mount a volume there, set fsGroup',
  version: 'run the newer release, or move the folder away and start with an empty one',
  closed: 'the spool has to be opened again',
};

/** The one place where errors of SQLite and of the file system become ours. A SpoolError passes unchanged. */
export function spoolErrorFrom(error: unknown, operation: SpoolOperation, path: string): SpoolError {
  if (error instanceof SpoolError) return error;
  const fault = faultOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return new SpoolError(operation, fault, `spool: ${path}: ${operation} failed: ${message} (${FIXES[fault]})`, error);
}

/** A fault that no system call told. */
export function spoolFault(operation: SpoolOperation, fault: SpoolFault, path: string, what: string): SpoolError {
  return new SpoolError(operation, fault, `spool: ${path}: ${what} (${FIXES[fault]})`);
}

export function faultOf(error: unknown): SpoolFault {
  if (error instanceof SpoolError) return error.fault;
  if (typeof error !== 'object' || error === null) return 'io';
  // Extended result codes keep the primary one in their low byte.
  if ('errcode' in error && typeof error.errcode === 'number') return SQLITE[error.errcode & 0xff] ?? 'io';
  if ('code' in error && typeof error.code === 'string') return SYSTEM[error.code] ?? 'io';
  return 'io';
}

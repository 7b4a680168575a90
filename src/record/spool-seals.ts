/**
 * Sealing of rows. Each opening of the database has a subkey of its own (an epoch), and sequence numbers are never
 * given twice while it is open, also not after a rollback: what an aborted or lost transaction left on the disk can't
 * meet another text under the same nonce.
 */
import { randomBytes } from 'node:crypto';
import type { Sealer, Subkey } from './seal.ts';
import type { SpoolDatabase } from './spool-database.ts';
import { type Epoch, SpoolEpochs } from './spool-epochs.ts';
import { SpoolError } from './spool-error.ts';
import type { SpoolRows } from './spool-rows.ts';

const HEAD = 1;
const BODY = 2;
const SALT_BYTES = 32;

/** Opens what was sealed in any epoch of a database. */
export class SpoolUnseals {
  protected readonly subkeys = new Map<number, Subkey>();

  /** Throws SpoolError `key` when rows are sealed with a key that is not there. */
  constructor(path: string, epochs: readonly Epoch[], sealer: Sealer) {
    for (const { epoch, keyId, salt } of epochs) {
      if (!sealer.has(keyId)) throw missingKey(path, keyId, sealer.keyId);
      this.subkeys.set(epoch, sealer.subkey(salt, keyId));
    }
  }

  /** Throws SpoolError `corrupt`. */
  openHead(epoch: number, seq: number, id: string, sealed: Uint8Array): Buffer {
    return this.#of(epoch).open(seq, HEAD, id, sealed);
  }

  /** Throws SpoolError `corrupt`. */
  openBody(epoch: number, seq: number, id: string, sealed: Uint8Array): Buffer {
    return this.#of(epoch).open(seq, BODY, id, sealed);
  }

  #of(epoch: number): Subkey {
    const subkey = this.subkeys.get(epoch);
    if (subkey === undefined) throw new SpoolError('read', 'corrupt', `there is no epoch ${epoch} in this spool`);
    return subkey;
  }
}

export class SpoolSeals extends SpoolUnseals {
  readonly epoch: number;
  readonly #current: Subkey;

  /** Starts an epoch. Throws SpoolError `key` when rows are sealed with a key that is not there. */
  constructor(database: SpoolDatabase, rows: SpoolRows, sealer: Sealer) {
    const epochs = new SpoolEpochs(database);
    database.transaction(() => epochs.removeUnused());
    const before = epochs.all();
    super(database.path, before, sealer);
    const salt = randomBytes(SALT_BYTES);
    const epoch = (before.at(-1)?.epoch ?? 0) + 1;
    database.transaction(() => epochs.add({ epoch, keyId: sealer.keyId, salt }, rows.lastSeq() + 1));
    this.epoch = epoch;
    this.#current = sealer.subkey(salt);
    this.subkeys.set(epoch, this.#current);
  }

  sealHead(seq: number, id: string, text: Uint8Array): Buffer {
    return this.#current.seal(seq, HEAD, id, text);
  }

  sealBody(seq: number, id: string, text: Uint8Array): Buffer {
    return this.#current.seal(seq, BODY, id, text);
  }
}

function missingKey(path: string, keyId: string, present: string): SpoolError {
  const fix = 'add that key as a later line of the key file, or move the folder away to start with an empty spool';
  return new SpoolError(
    'open',
    'key',
    `spool: ${path} has records sealed with key ${keyId}, the key file starts with ${present} (${fix})`,
  );
}

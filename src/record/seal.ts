/**
 * Sealing of what lies on the disk: AES-256-GCM (NIST SP 800-38D) under subkeys that HKDF-SHA256 (RFC 5869) derives
 * from a key file. A subkey belongs to one salt: that of one opening of the database, or of one body file. So a nonce
 * may be a plain counter: no two texts ever meet under the same subkey and nonce.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { SpoolError } from './spool-error.ts';

const ALGORITHM = 'aes-256-gcm';
export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const OPTIONS = { authTagLength: TAG_BYTES };
const ID_BYTES = 8;

/** Keys of a key file: the first seals, every one opens. */
export class Sealer {
  /** Name of the key that seals: 16 hex digits that tell nothing of the key. */
  readonly keyId: string;
  readonly #keys = new Map<string, Uint8Array>();

  /** Throws SpoolError `key` when there is no key or one has not 32 bytes. */
  constructor(keys: readonly Uint8Array[], source = 'the key file') {
    for (const key of keys) {
      if (key.length !== KEY_BYTES)
        throw new SpoolError('open', 'key', `${source}: a key has ${key.length} bytes; it needs 32`);
      this.#keys.set(keyIdOf(key), key);
    }
    const [first] = this.#keys.keys();
    if (first === undefined)
      throw new SpoolError('open', 'key', `${source}: no key in it; put one on a line of its own`);
    this.keyId = first;
  }

  has(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  /** The subkey of a salt under one of the keys, the sealing one unless named. Throws SpoolError `key`. */
  subkey(salt: Uint8Array, keyId: string = this.keyId): Subkey {
    const key = this.#keys.get(keyId);
    if (key === undefined) {
      throw new SpoolError(
        'read',
        'key',
        `sealed with key ${keyId}, which the key file does not have; add that key as a later line`,
      );
    }
    return new Subkey(createSecretKey(derive(key, salt, 'outrider spool 1', KEY_BYTES)));
  }
}

/** Seals and opens under one subkey. Nonces are a number below 2^64 and a field: the caller never repeats a pair. */
export class Subkey {
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Ciphertext with its tag behind it: 16 bytes longer than the text. `context` is authenticated, not stored. */
  seal(counter: number, field: number, context: string, text: Uint8Array): Buffer {
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce(counter, field), OPTIONS);
    cipher.setAAD(Buffer.from(context, 'utf8'));
    const sealed = Buffer.allocUnsafe(text.length + TAG_BYTES);
    sealed.set(cipher.update(text));
    // GCM holds nothing back (NIST SP 800-38D section 7.1): this only makes the tag.
    cipher.final();
    sealed.set(cipher.getAuthTag(), text.length);
    return sealed;
  }

  /** Throws SpoolError `corrupt` when one bit, the counter, the field or the context is not what was sealed. */
  open(counter: number, field: number, context: string, sealed: Uint8Array): Buffer {
    const end = sealed.length - TAG_BYTES;
    if (end < 0) throw new SpoolError('read', 'corrupt', 'sealed data is too short');
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonce(counter, field), OPTIONS);
    decipher.setAAD(Buffer.from(context, 'utf8'));
    decipher.setAuthTag(sealed.subarray(end));
    try {
      const text = decipher.update(sealed.subarray(0, end));
      // Throws unless the tag fits. GCM has no block left to give.
      decipher.final();
      return text;
    } catch (error) {
      throw new SpoolError('read', 'corrupt', 'sealed data was changed or damaged', error);
    }
  }
}

/** Keys of a key file's text: base64 (also the URL alphabet) or hex, one a line; blank lines and `#` lines are none. */
export function parseKeys(text: string, source: string): Buffer[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    const key = /^[0-9a-fA-F]{64}$/.test(line) ? Buffer.from(line, 'hex') : Buffer.from(line, 'base64');
    if (key.length === KEY_BYTES && /^[A-Za-z0-9+/_-]+=*$/.test(line)) return [key];
    const what = `${source}:${index + 1}: not a key of 32 bytes in base64 or hex; make one with: openssl rand -base64 32`;
    throw new SpoolError('open', 'key', what);
  });
}

const keyIdOf = (key: Uint8Array): string => derive(key, Buffer.alloc(0), 'outrider key id', ID_BYTES).toString('hex');

function derive(key: Uint8Array, salt: Uint8Array, use: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, use, bytes));
}

const shared = Buffer.alloc(NONCE_BYTES);

/** Valid until the next one is made: a cipher copies it. */
function nonce(counter: number, field: number): Buffer {
  shared.writeUInt32BE(field, 0);
  shared.writeUInt32BE(Math.floor(counter / 2 ** 32), 4);
  shared.writeUInt32BE(counter % 2 ** 32, 8);
  return shared;
}

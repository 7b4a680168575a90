/**
 * Whether a caller may use a listener (`listeners[].auth`), decided on the head alone and before anything else is done
 * for it. What proves it is taken out of the head: it is for Outrider, so it is neither matched, forwarded, recorded
 * nor logged.
 */
import type { ListenerAuth } from '../settings.ts';
import { type Cidr, isInCidr, parseCidr, parseIp } from './cidr.ts';
import { Credentials } from './credentials.ts';
import type { Refusal } from './guard.ts';

export interface Gate {
  /**
   * Null: it may come in, and its credential is no longer among the headers, which are changed in place. Never
   * throws.
   */
  refuse(rawHeaders: string[], remoteAddress: string): Refusal | null;
}

/** Null where everybody may. Throws Node's error when the file of credentials can't be read or lets nobody in. */
export function createGate(auth: ListenerAuth, now?: () => number): Gate | null {
  switch (auth.kind) {
    case 'none':
      return null;
    case 'cidrs':
      return new AddressGate(auth.cidrs);
    case 'bearer':
    case 'basic': {
      const credentials = new Credentials(auth.file, now);
      credentials.refresh();
      if (credentials.isEmpty) throw new RangeError(`${auth.file} is empty: nobody could come in`);
      return new CredentialGate(auth.kind === 'bearer' ? BEARER : BASIC, credentials);
    }
  }
}

interface Scheme {
  readonly challenge: string;
  /** What is listed in the file, from a field value; null: it is of another scheme. */
  read(value: string): string | null;
}

/** RFC 6750 section 2.1. */
const BEARER: Scheme = {
  challenge: 'Bearer realm="outrider"',
  read: (value) => /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(value)?.[1] ?? null,
};

/** RFC 7617: the user and the password as UTF-8, in base64. */
const BASIC: Scheme = {
  challenge: 'Basic realm="outrider", charset="UTF-8"',
  read: (value) => {
    const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(value)?.[1];
    return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString('utf8');
  },
};

const KIND = 'auth';

class CredentialGate implements Gate {
  private readonly scheme: Scheme;
  private readonly credentials: Credentials;

  constructor(scheme: Scheme, credentials: Credentials) {
    this.scheme = scheme;
    this.credentials = credentials;
  }

  refuse(rawHeaders: string[]): Refusal | null {
    const given = takeCredential(rawHeaders);
    try {
      this.credentials.refresh();
    } catch {
      return { status: 503, kind: KIND, detail: "This listener can't tell now who may use it." };
    }
    if (given === null) return this.challenge('Credentials are needed.');
    // Two are one too many: who is behind Outrider may believe the other one.
    if (given.length > 1) return this.challenge('More than one Authorization field.');
    const credential = this.scheme.read(given[0] ?? '');
    if (credential === null) return this.challenge('Credentials of another kind are needed.');
    return this.credentials.has(credential) ? null : this.challenge('These credentials are not accepted.');
  }

  private challenge(detail: string): Refusal {
    return { status: 401, kind: KIND, detail, headers: ['www-authenticate', this.scheme.challenge] };
  }
}

/** The connection's own address: what a header says about it, anybody may write. */
class AddressGate implements Gate {
  private readonly ranges: readonly Cidr[];
  private readonly known = new Map<string, boolean>();

  constructor(cidrs: readonly string[]) {
    this.ranges = cidrs.flatMap((text) => parseCidr(text) ?? []);
  }

  refuse(_rawHeaders: string[], remoteAddress: string): Refusal | null {
    let open = this.known.get(remoteAddress);
    if (open === undefined) {
      const address = parseIp(remoteAddress);
      open = address !== null && this.ranges.some((range) => isInCidr(address, range));
      if (this.known.size >= MAX_KNOWN) this.known.clear();
      this.known.set(remoteAddress, open);
    }
    return open ? null : { status: 403, kind: KIND, detail: 'This address may not use this listener.' };
  }
}

/** Addresses whose answer is remembered. */
const MAX_KNOWN = 1000;
const AUTHORIZATION = 'authorization';

/** The values of Authorization, which is removed; null where there is none. */
function takeCredential(rawHeaders: string[]): string[] | null {
  let values: string[] | null = null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length !== AUTHORIZATION.length || name.toLowerCase() !== AUTHORIZATION) continue;
    values ??= [];
    values.push(rawHeaders[i + 1] ?? '');
    rawHeaders.splice(i, 2);
    i -= 2;
  }
  return values;
}

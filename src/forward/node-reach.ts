/** How to reach a URL: what the pool uses, and what a tunnel needs for a connection of its own. */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
  TLSSocket,
} from 'node:tls';
import type { TargetSettings } from '../exchange.ts';
import { type Resolver, withinMs } from './node-resolve.ts';

export interface ReachParts {
  readonly resolver: Resolver;
  /** Reads a PEM file; throws with the path when it can't. */
  readonly readFile: (path: string) => string;
  /** Largest head of an answer, bytes. */
  readonly headerBytes: number;
}

/** Options for `tls.connect`. */
export interface TlsOptions {
  readonly minVersion: SecureVersion;
  readonly rejectUnauthorized: boolean;
  readonly secureOptions?: number;
  readonly ciphers?: string;
  readonly servername?: string;
  /** Of the files, read and parsed once for all connections. */
  readonly secureContext?: SecureContext;
}

export class Reach {
  readonly origin: string;
  readonly lookup: Resolver['lookup'];
  /** Largest head of an answer, bytes. */
  readonly headerBytes: number;
  tls: TlsOptions;
  /** When the certificate that the target showed last expires, seconds since 1970; null: none seen. */
  certificateExpires: number | null = null;
  private readonly settings: TargetSettings['tls'];
  private readonly readFile: ReachParts['readFile'];
  private pems: Pems;

  /** Throws when a certificate or key can't be read or is none. */
  constructor(origin: string, { tls, timeouts }: TargetSettings, parts: ReachParts) {
    this.origin = origin;
    // Before the time for the whole connect is over: what was waited for has a name then.
    this.lookup = withinMs(parts.resolver.lookup, timeouts.connect * 0.9);
    this.headerBytes = parts.headerBytes;
    this.settings = tls;
    this.readFile = parts.readFile;
    this.pems = this.read();
    this.tls = tlsOptions(tls, this.pems);
  }

  /**
   * Reads certificate and key again, if there are any. True: they have changed, and `tls` is new. What can't be read,
   * or doesn't belong together yet, leaves all as it is: a rotation may be half done.
   */
  refresh(): boolean {
    const { ca, cert, key } = this.settings;
    if (ca === '' && cert === '' && key === '') return false;
    try {
      const pems = this.read();
      if (pems.ca === this.pems.ca && pems.cert === this.pems.cert && pems.key === this.pems.key) return false;
      this.tls = tlsOptions(this.settings, pems);
      this.pems = pems;
      return true;
    } catch {
      return false;
    }
  }

  /** Looks at the certificate of a connection that has just been made. */
  connected(socket: Socket): void {
    if (!(socket instanceof TLSSocket)) return;
    const expires = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
    if (!Number.isNaN(expires)) this.certificateExpires = expires / 1000;
  }

  private read(): Pems {
    const { ca, cert, key } = this.settings;
    const pemOf = (path: string): string => (path === '' ? '' : this.readFile(path));
    return { ca: pemOf(ca), cert: pemOf(cert), key: pemOf(key) };
  }
}

/** '' where nothing is configured. */
interface Pems {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

function tlsOptions(tls: TargetSettings['tls'], { ca, cert, key }: Pems): TlsOptions {
  const base = {
    minVersion: tls.minVersion as SecureVersion,
    ...(tls.legacyRenegotiation ? { secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT } : {}),
    // TLS 1.0 and 1.1 sign with SHA-1, which OpenSSL does only at its level 0.
    ...(tls.minVersion < 'TLSv1.2' ? { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` } : {}),
  };
  const files = {
    ...(ca === '' ? {} : { ca }),
    ...(cert === '' ? {} : { cert }),
    ...(key === '' ? {} : { key }),
  };
  return {
    ...base,
    rejectUnauthorized: tls.verify,
    ...(tls.serverName === '' ? {} : { servername: tls.serverName }),
    ...(Object.keys(files).length === 0 ? {} : { secureContext: contextOf({ ...base, ...files }, tls) }),
  };
}

/** Says which files: OpenSSL's own words name none. */
function contextOf(options: SecureContextOptions, { ca, cert, key }: TargetSettings['tls']): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    const files = [ca, cert, key].filter((file) => file !== '').join(', ');
    throw new Error(`${files} can't be used: ${error instanceof Error ? error.message : ''}`);
  }
}

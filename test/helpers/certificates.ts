/** A private CA and certificates from it, made with the openssl command in a temporary folder. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './cleanup.ts';

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly folder: string;
  /** The CA's certificate. */
  readonly ca: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly server: Certificate;
  /** A client certificate of the same CA. */
  readonly client: Certificate;
  /** A further server certificate for these names (DNS names or addresses); negative days: expired. */
  issue(name: string, names: readonly string[], days?: number): Certificate;
}

/** Makes a CA, a server and a client certificate: P-256 keys, so this takes a fraction of a second. */
export function makeCertificates({ shared = false, commonName = 'Outrider test CA' } = {}): Certificates {
  const folder = temporaryFolder({ shared });
  const ca: Certificate = { cert: join(folder, 'ca.crt'), key: join(folder, 'ca.key') };
  openssl(
    'req',
    '-x509',
    ...newKey(ca.key),
    '-out',
    ca.cert,
    '-days',
    '30',
    '-subj',
    `/CN=${commonName}`,
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  );
  const issue = (name: string, names: readonly string[], days = 30): Certificate =>
    issueFrom(
      folder,
      ca,
      name,
      `extendedKeyUsage=serverAuth\nsubjectAltName=${names.map(alternativeName).join(',')}\n`,
      days,
    );
  return {
    folder,
    ca: ca.cert,
    server: issue('server', ['localhost', '127.0.0.1', '::1']),
    client: issueFrom(folder, ca, 'client', 'extendedKeyUsage=clientAuth\n', 30),
    issue,
  };
}

/** Options for node:tls and node:https out of the paths. */
export function readCertificate({ cert, key }: Certificate): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

function issueFrom(folder: string, ca: Certificate, name: string, extensions: string, days: number): Certificate {
  const issued: Certificate = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  const request = join(folder, `${name}.csr`);
  const extensionFile = join(folder, `${name}.ext`);
  writeFileSync(extensionFile, extensions);
  openssl('req', ...newKey(issued.key), '-out', request, '-subj', `/CN=${name}`);
  openssl(
    'x509',
    '-req',
    '-in',
    request,
    '-CA',
    ca.cert,
    '-CAkey',
    ca.key,
    '-CAcreateserial',
    '-out',
    issued.cert,
    '-days',
    String(days),
    '-extfile',
    extensionFile,
  );
  return issued;
}

function newKey(path: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path];
}

function alternativeName(name: string): string {
  return /^[0-9.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`;
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

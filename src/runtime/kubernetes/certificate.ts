/**
 * The webhook's own authority and its certificates (RFC 5280): Node.js signs but makes no certificates, and what makes
 * them elsewhere is many times the size of this.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { bits, boolean, context, integer, octets, oid, sequence, set, time, utf8 } from './der.ts';

export interface KeyPair {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

interface Request {
  readonly name: string;
  readonly days: number;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly signKey: KeyObject;
  readonly authorityId: Buffer;
  readonly extensions: readonly Buffer[];
  readonly now: Date;
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  altName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** A clock that is a little behind must not refuse a certificate that was just made. */
const BACKDATED_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

/** An authority that signs certificates only. */
export function makeAuthority(name: string, days: number, now = new Date()): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = keyId(publicKey);
  // keyCertSign and cRLSign are the bits 5 and 6.
  const extensions = [
    extension(OID.basicConstraints, sequence(boolean(true), integer(0)), true),
    extension(OID.keyUsage, bits(Buffer.from([0b0000_0110]), 1), true),
  ];
  const request = { name, days, now, publicKey, issuer: name, signKey: privateKey, authorityId: id, extensions };
  return { cert: signed(request), key: pem(privateKey) };
}

/** A server's certificate for these DNS names. */
export function makeCertificate(authority: KeyPair, names: readonly string[], days: number, now = new Date()): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = new X509Certificate(authority.cert);
  const extensions = [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, bits(Buffer.from([0b1000_0000]), 7), true),
    extension(OID.extKeyUsage, sequence(oid(OID.serverAuth))),
    extension(OID.altName, sequence(...names.map((name) => context(2, Buffer.from(name), false)))),
  ];
  const request = {
    name: names[0] ?? '',
    days,
    now,
    publicKey,
    issuer: issuer.subject.replace(/^CN=/, ''),
    signKey: createPrivateKey(authority.key),
    authorityId: keyId(issuer.publicKey),
    extensions,
  };
  return { cert: signed(request), key: pem(privateKey) };
}

function signed({ name, days, now, publicKey, issuer, signKey, authorityId, extensions }: Request): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const all = [
    ...extensions,
    extension(OID.subjectKeyId, octets(keyId(publicKey))),
    extension(OID.authorityKeyId, sequence(context(0, authorityId, false))),
  ];
  const content = sequence(
    context(0, integer(2)),
    integer(serial()),
    algorithm,
    nameOf(issuer),
    sequence(time(new Date(now.getTime() - BACKDATED_MS)), time(new Date(now.getTime() + days * DAY_MS))),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    context(3, sequence(...all)),
  );
  const certificate = sequence(content, algorithm, bits(sign('sha256', content, signKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** At most 64 characters, as RFC 5280 has it; what counts is the alternative name. */
function nameOf(text: string): Buffer {
  return sequence(set(sequence(oid(OID.commonName), utf8(text.slice(0, 64)))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
}

/** 127 random bits: positive, and never the same twice. */
function serial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes;
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * The webhook's certificates, in one Secret that all replicas share. Whoever finds them missing or old writes new ones
 * against the version it has read; who loses takes the winner's at the next look. So there is no leader, and there are
 * never two authorities.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { asText, isMapping, valueAt } from '../config/raw-value.ts';
import { type KeyPair, makeAuthority, makeCertificate } from './certificate.ts';
import type { KubeAnswer, KubeApi } from './node-kube-api.ts';

export interface ServingCertificates {
  readonly leaf: KeyPair;
  /** What callers are to trust: the authority, and for its time the one before. PEM. */
  readonly bundle: string;
}

export interface StoreOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly secret: string;
  /** Of the Service: `acme-injector.ns.svc`. */
  readonly names: readonly string[];
  readonly now: () => Date;
}

interface Material {
  readonly authority: KeyPair;
  readonly leaf: KeyPair;
  /** PEM; '' without one. */
  readonly previous: string;
}

const AUTHORITY_DAYS = 730;
const LEAF_DAYS = 90;
/** The rest of its life is for replicas and API servers to take over the next one. */
const RENEW_AT = 2 / 3;
const KEYS = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key'] as const;
const PREVIOUS = 'ca-previous.crt';

/** What the Secret holds, made or renewed where it has to be. @throws Error with what to do */
export async function readCertificates(options: StoreOptions): Promise<ServingCertificates> {
  const { api, namespace, secret } = options;
  const path = `/api/v1/namespaces/${namespace}/secrets/${secret}`;
  for (;;) {
    const answer = await api.ask('GET', path);
    if (answer.status !== 200) throw new Error(refused(answer, `Secret ${namespace}/${secret} can't be read`));
    const found = readMaterial(answer.body);
    const wanted = renewed(found, options);
    if (wanted === found && found !== null) return serving(found);
    const written = await api.ask('PUT', path, withMaterial(answer.body, wanted ?? fresh(options)));
    // 409: another replica was faster; what it wrote is read now.
    if (written.status !== 200 && written.status !== 409) {
      throw new Error(refused(written, `Secret ${namespace}/${secret} can't be written`));
    }
  }
}

export function refused({ status, body }: KubeAnswer, what: string): string {
  const message = asText(valueAt(body, ['message'])) ?? '';
  const fix = status === 403 || status === 404 ? ' (the chart makes it, and the rights: injector.enabled)' : '';
  return `${what}: ${status} ${message}${fix}`;
}

function serving({ authority, leaf, previous }: Material): ServingCertificates {
  return { leaf, bundle: authority.cert + previous };
}

/** null where anything is missing or can't be read: it is made anew then. */
function readMaterial(secret: unknown): Material | null {
  const texts = KEYS.map((key) => Buffer.from(asText(valueAt(secret, ['data', key])) ?? '', 'base64').toString());
  const [caCert = '', caKey = '', cert = '', key = ''] = texts;
  const previous = Buffer.from(asText(valueAt(secret, ['data', PREVIOUS])) ?? '', 'base64').toString();
  try {
    const authority = new X509Certificate(caCert);
    const leaf = new X509Certificate(cert);
    const fits = leaf.verify(authority.publicKey) && leaf.checkPrivateKey(createPrivateKey(key));
    if (!fits || !authority.checkPrivateKey(createPrivateKey(caKey))) return null;
    return { authority: { cert: caCert, key: caKey }, leaf: { cert, key }, previous };
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

/** The same object where nothing is to be done. */
function renewed(material: Material | null, options: StoreOptions): Material | null {
  if (material === null) return null;
  const now = options.now();
  const authorityIsOld = isOld(material.authority.cert, now);
  const authority = authorityIsOld ? newAuthority(options) : material.authority;
  const previous = authorityIsOld ? material.authority.cert : withoutExpired(material.previous, now);
  const isNamed = options.names.every((name) => new X509Certificate(material.leaf.cert).checkHost(name) !== undefined);
  const leafIsOld = authorityIsOld || !isNamed || isOld(material.leaf.cert, now);
  if (!leafIsOld && previous === material.previous) return material;
  return { authority, previous, leaf: leafIsOld ? newLeaf(authority, options) : material.leaf };
}

function fresh(options: StoreOptions): Material {
  const authority = newAuthority(options);
  return { authority, leaf: newLeaf(authority, options), previous: '' };
}

function newAuthority({ namespace, secret, now }: StoreOptions): KeyPair {
  return makeAuthority(`Outrider injector ${namespace}/${secret}`, AUTHORITY_DAYS, now());
}

function newLeaf(authority: KeyPair, { names, now }: StoreOptions): KeyPair {
  return makeCertificate(authority, names, LEAF_DAYS, now());
}

function isOld(pem: string, now: Date): boolean {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return now.getTime() >= from + (to - from) * RENEW_AT;
}

function withoutExpired(pem: string, now: Date): string {
  return pem === '' || new X509Certificate(pem).validToDate > now ? pem : '';
}

/** The object as it was read, `resourceVersion` included: written only if nobody wrote in between. */
function withMaterial(secret: unknown, { authority, leaf, previous }: Material): unknown {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const [caCert, caKey, cert, key] = [authority.cert, authority.key, leaf.cert, leaf.key].map(encode);
  return {
    ...(isMapping(secret) ? secret : {}),
    data: {
      'ca.crt': caCert,
      'ca.key': caKey,
      'tls.crt': cert,
      'tls.key': key,
      ...(previous !== '' && { [PREVIOUS]: encode(previous) }),
    },
  };
}

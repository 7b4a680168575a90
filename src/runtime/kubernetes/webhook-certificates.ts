/** Where the webhook's certificate comes from, and that the API server trusts it: looked at again and again. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyPair } from './certificate.ts';
import { readCertificates, type StoreOptions } from './certificate-store.ts';
import { ensureBundle, type WebhookKind } from './webhook-bundle.ts';

export interface CertificateLook {
  /** To be served from now on; null: the one that is served stays for now. */
  readonly leaf: KeyPair | null;
}

export interface CertificateSource {
  /** @throws Error with what to do */
  look(served: KeyPair | null): Promise<CertificateLook>;
}

export interface OwnSourceOptions extends StoreOptions {
  readonly webhooks: readonly { readonly kind: WebhookKind; readonly name: string }[];
}

/** Made here, kept in a Secret, and told to the API server by our own webhook configurations. */
export function ownCertificates(options: OwnSourceOptions): CertificateSource {
  return {
    async look(served) {
      const { leaf, bundle } = await readCertificates(options);
      const right = await Promise.all(
        options.webhooks.map(({ kind, name }) => ensureBundle(options.api, kind, name, bundle)),
      );
      // API servers hear of a new authority a moment later: the next look changes over. Until then the old leaf is
      // good, unless its authority is gone altogether, as after an installation anew.
      const isSafe = served === null || right.every(Boolean) || !isTrusted(served, bundle);
      return { leaf: isSafe && served?.cert !== leaf.cert ? leaf : null };
    },
  };
}

function isTrusted({ cert }: KeyPair, bundle: string): boolean {
  const leaf = new X509Certificate(cert);
  const authorities = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return authorities.some((pem) => leaf.verify(new X509Certificate(pem).publicKey));
}

/** Files of a mounted Secret that something else renews, such as cert-manager; it tells the API server as well. */
export function mountedCertificates(folder: string): CertificateSource {
  return {
    look(served) {
      const leaf = {
        cert: readFileSync(join(folder, 'tls.crt'), 'utf8'),
        key: readFileSync(join(folder, 'tls.key'), 'utf8'),
      };
      return Promise.resolve({ leaf: served?.cert === leaf.cert ? null : leaf });
    },
  };
}

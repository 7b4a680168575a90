import '../helpers/one-realm.ts';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAuthority, makeCertificate } from '../../src/runtime/kubernetes/certificate.ts';
import { readCertificates, type StoreOptions } from '../../src/runtime/kubernetes/certificate-store.ts';
import { createKubeApi } from '../../src/runtime/kubernetes/node-kube-api.ts';
import { ownCertificates } from '../../src/runtime/kubernetes/webhook-certificates.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { startFakeApi } from './kube-api.ts';

const NAMES = ['injector.ops.svc', 'injector.ops.svc.cluster.local'];
const DAY_MS = 86_400_000;

describe('a certificate that is made here', () => {
  const authority = makeAuthority('test', 730);
  const leaf = makeCertificate(authority, NAMES, 90);

  test('is taken by OpenSSL as a server’s, from an authority that signs nothing but certificates', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'ca.pem'), authority.cert);
    writeFileSync(join(folder, 'leaf.pem'), leaf.cert);
    const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', NAMES[0] ?? '', '-CAfile'];
    expect(execFileSync('openssl', [...verify, 'ca.pem', 'leaf.pem'], { cwd: folder, encoding: 'utf8' })).toMatch(/OK/);
    const text = (file: string): string =>
      execFileSync('openssl', ['x509', '-noout', '-text', '-in', file], { cwd: folder, encoding: 'utf8' });
    expect(text('ca.pem')).toMatch(/CA:TRUE, pathlen:0/);
    expect(text('ca.pem')).toMatch(/Certificate Sign, CRL Sign/);
    expect(text('leaf.pem')).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text('leaf.pem')).toMatch(/TLS Web Server Authentication/);
  });

  test('is for its names, its time and its key', () => {
    const read = new X509Certificate(leaf.cert);
    expect(NAMES.map((name) => read.checkHost(name))).toEqual(NAMES);
    expect(read.checkHost('other.ops.svc')).toBeUndefined();
    expect(read.verify(new X509Certificate(authority.cert).publicKey)).toBe(true);
    expect(read.validToDate.getTime() - Date.now()).toBeGreaterThan(89 * DAY_MS);
  });

  test('may be valid beyond 2049, where the form of its dates is another', () => {
    const late = makeCertificate(authority, NAMES, 40 * 365);
    expect(new X509Certificate(late.cert).validToDate.getUTCFullYear()).toBeGreaterThan(2060);
  });
});

describe('the Secret of the certificates', () => {
  async function store(
    now: () => Date = () => new Date(),
  ): Promise<{ options: StoreOptions; api: Awaited<ReturnType<typeof startFakeApi>> }> {
    const api = await startFakeApi();
    return {
      api,
      options: { api: createKubeApi(api.account), namespace: 'ops', secret: 'injector', names: NAMES, now },
    };
  }
  const days = (pem: string): Date => new X509Certificate(pem).validToDate;

  test('is filled once, however many replicas start at the same time', async () => {
    const { options, api } = await store();
    const all = await Promise.all(Array.from({ length: 5 }, () => readCertificates(options)));
    expect(new Set(all.map(({ bundle }) => bundle)).size).toBe(1);
    expect(new Set(all.map(({ leaf }) => leaf.cert)).size).toBe(1);
    expect(api.secretKeys()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
  });

  test('gets a new leaf at two thirds of its life, from the same authority', async () => {
    let now = new Date();
    const { options } = await store(() => now);
    const first = await readCertificates(options);
    now = new Date(Date.now() + 59 * DAY_MS);
    expect(await readCertificates(options)).toEqual(first);
    now = new Date(Date.now() + 61 * DAY_MS);
    const second = await readCertificates(options);
    expect(second.bundle).toBe(first.bundle);
    expect(days(second.leaf.cert).getTime()).toBeGreaterThan(days(first.leaf.cert).getTime());
  });

  test('keeps the authority before in the bundle while one replica may still serve its leaf', async () => {
    let now = new Date();
    const { options } = await store(() => now);
    const first = await readCertificates(options);
    now = new Date(Date.now() + 500 * DAY_MS);
    const second = await readCertificates(options);
    expect(second.bundle).toContain(first.bundle);
    expect(second.bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    now = new Date(Date.now() + 731 * DAY_MS);
    expect((await readCertificates(options)).bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });

  test('is made anew where its content is damaged', async () => {
    const { options, api } = await store();
    const first = await readCertificates(options);
    for (const [path, object] of api.objects) {
      if (path.includes('/secrets/')) api.objects.set(path, { ...Object(object), data: { 'ca.crt': 'AAAA' } });
    }
    expect((await readCertificates(options)).bundle).not.toBe(first.bundle);
  });

  test('changes over to a new authority only at the look after the one that told the API server', async () => {
    let now = new Date();
    const { options, api } = await store(() => now);
    const webhooks = [{ kind: 'mutatingwebhookconfigurations' as const, name: 'ops-injector' }];
    const source = ownCertificates({ ...options, webhooks });
    const { leaf } = await source.look(null);
    const first = api.bundle();
    now = new Date(Date.now() + 500 * DAY_MS);
    expect(await source.look(leaf)).toEqual({ leaf: null });
    expect(api.bundle()).toContain(first);
    expect(api.bundle()).not.toBe(first);
    const next = await source.look(leaf);
    expect(next.leaf?.cert).toMatch(/BEGIN CERTIFICATE/);
    expect(await source.look(next.leaf)).toEqual({ leaf: null });
  });

  test('changes over at once where the authority of what is served is gone', async () => {
    const { options, api } = await store();
    const source = ownCertificates({
      ...options,
      webhooks: [{ kind: 'mutatingwebhookconfigurations', name: 'ops-injector' }],
    });
    const { leaf } = await source.look(null);
    for (const [path, object] of api.objects) {
      if (path.includes('/secrets/')) api.objects.set(path, { ...Object(object), data: {} });
    }
    const next = await source.look(leaf);
    expect(next.leaf?.cert).toMatch(/BEGIN CERTIFICATE/);
  });

  test('that is missing or forbidden is told, with what makes it', async () => {
    const { options, api } = await store();
    api.broken = 403;
    await expect(readCertificates(options)).rejects.toThrow(
      /Secret ops\/injector can't be read: 403 .*injector.enabled/,
    );
  });
});

/** Targets behind TLS: who is trusted, what is shown, what is old, and what changes while traffic runs. */
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server as TlsServer } from 'node:tls';
import { makeCertificates, readCertificate } from '../helpers/certificates.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { answering, startRawTarget, startTarget, type Target } from '../helpers/node-target.ts';
import { type RunningPath, startPath } from '../helpers/path.ts';
import { sendRaw } from '../helpers/raw-client.ts';
import { waitFor } from '../helpers/wait.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';

const certificates = makeCertificates({ shared: true });
const other = makeCertificates({ shared: true, commonName: 'Another CA' });
const tls = { ...readCertificate(certificates.server), ca: readFileSync(certificates.ca) };

const startSecret = (server: object = {}): Promise<Target> =>
  startTarget(answering(200, 'secret'), { tls: { ...tls, ...server } });

const pathTo = (url: string, keys: object): Promise<RunningPath> =>
  startPath({ routes: { targets: { prod: { urls: [{ url }], tls: keys } } } });

const start = async (keys: object, server: object = {}): Promise<RunningPath> =>
  pathTo((await startSecret(server)).url, keys);

const statusOf = async (path: RunningPath, request = GET): Promise<number | undefined> =>
  (await sendRaw(path.port, request, { responses: 1 })).responses[0]?.status;

async function failWith(path: RunningPath) {
  expect(await statusOf(path, POST)).toBe(502);
  await waitFor(() => path.captures.length > 0, { what: 'a capture' });
  return path.captures[0];
}

describe('trust', () => {
  test('a target behind a private CA is reached', async () => {
    expect(await statusOf(await start({ ca: certificates.ca }))).toBe(200);
  });

  test.each<readonly [string, object, RegExp]>([
    ['no CA of ours', {}, /UNABLE_TO|SELF_SIGNED/],
    ['another CA', { ca: other.ca }, /UNABLE_TO|SELF_SIGNED|CERT_/],
    ['another name', { ca: certificates.ca, serverName: 'other.test' }, /ALTNAME/],
  ])('%s is reason tls, and nothing was sent', async (_, keys, code) => {
    const capture = await failWith(await start(keys));
    expect(capture).toMatchObject({ reason: 'tls', requestSent: 'no' });
    expect(capture?.errorReason).toMatch(code);
  });

  test('verify: false takes any certificate', async () => {
    expect(await statusOf(await start({ verify: false }))).toBe(200);
  });

  test('a client certificate is shown, and without one the failure is kept', async () => {
    const server = { requestCert: true, rejectUnauthorized: true };
    expect(await statusOf(await start({ ca: certificates.ca, ...certificates.client }, server))).toBe(200);
    const capture = await failWith(await start({ ca: certificates.ca }, server));
    // TLS 1.3 lets the client believe that the handshake is over before the server has looked at it.
    expect(['tls', 'reset']).toContain(capture?.reason);
  });

  test('https:// to a port that speaks no TLS is reason tls', async () => {
    const plain = await startTarget();
    expect((await failWith(await pathTo(`https://127.0.0.1:${plain.port}`, {})))?.reason).toBe('tls');
  });

  test('a file that is no certificate is refused before anything runs', async () => {
    const file = join(temporaryFolder(), 'ca.crt');
    writeFileSync(file, 'no certificate\n');
    const { cert } = certificates.client;
    await expect(pathTo('https://127.0.0.1:1', { cert, key: file })).rejects.toThrow(file);
  });
});

describe('old peers', () => {
  const old = (version: string): object => ({
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0',
  });

  test.each(['TLSv1', 'TLSv1.1'])(
    'one that speaks no more than %s is reached only where minVersion says so',
    async (version) => {
      const { ca } = certificates;
      expect((await failWith(await start({ ca }, old(version))))?.reason).toBe('tls');
      expect(await statusOf(await start({ ca, minVersion: version }, old(version)))).toBe(200);
    },
  );

  test('minVersion holds: TLSv1.3 does not speak to one that has only 1.2', async () => {
    const { ca } = certificates;
    const server = { maxVersion: 'TLSv1.2' };
    expect((await failWith(await start({ ca, minVersion: 'TLSv1.3' }, server)))?.reason).toBe('tls');
    expect(await statusOf(await start({ ca }, server))).toBe(200);
  });

  test('one without secure renegotiation (RFC 5746) is gone on with only where legacyRenegotiation says so', async () => {
    // A ServerHello of TLS 1.2 without any extension, then an end.
    const hello = Buffer.concat([
      Buffer.from([0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3]),
      Buffer.alloc(32, 7),
      Buffer.from([0, 0xc0, 0x2f, 0]),
    ]);
    const target = await startRawTarget(async (connection) => {
      await waitFor(() => connection.received().length > 0, { what: 'the ClientHello' });
      await connection.send(hello);
      connection.close();
    });
    const url = `https://127.0.0.1:${target.port}`;
    expect((await failWith(await pathTo(url, {})))?.errorReason).toContain('LEGACY_RENEGOTIATION');
    const allowed = await failWith(await pathTo(url, { legacyRenegotiation: true }));
    expect(allowed?.errorReason).not.toContain('LEGACY_RENEGOTIATION');
  });
});

describe('rotation', () => {
  /** Certificates where a target's settings name them, replaced as Kubernetes does: by a rename. */
  const filesOf = (from: { ca: string; client: { cert: string; key: string } }, folder: string) => {
    const files = { ca: join(folder, 'ca.crt'), cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    const put = (source: string, file: string): void => {
      copyFileSync(source, `${file}.new`);
      renameSync(`${file}.new`, file);
    };
    put(from.ca, files.ca);
    put(from.client.cert, files.cert);
    put(from.client.key, files.key);
    return { files, put };
  };

  test('of the CA: what is open closes when it is idle, and new connections trust the new one', async () => {
    const { files, put } = filesOf(certificates, temporaryFolder());
    const target = await startSecret();
    const path = await pathTo(target.url, { ca: files.ca });
    const [upstream] = path.upstreams('prod');
    expect(await statusOf(path)).toBe(200);
    upstream?.refreshTls();
    expect(await statusOf(path)).toBe(200);
    expect(target.accepted()).toBe(1);

    put(other.ca, files.ca);
    upstream?.refreshTls();
    expect((await failWith(path))?.reason).toBe('tls');

    const { server } = target;
    if (!(server instanceof TlsServer)) throw new Error('not a TLS server');
    server.setSecureContext(readCertificate(other.server));
    expect(await statusOf(path)).toBe(200);
  });

  test('of our own: the new one is shown, and half a rotation changes nothing', async () => {
    const { files, put } = filesOf(certificates, temporaryFolder());
    const shown: string[] = [];
    const target = await startTarget(
      (_received, response, request) => {
        const { socket } = request;
        if ('getPeerX509Certificate' in socket && typeof socket.getPeerX509Certificate === 'function')
          shown.push(String(socket.getPeerX509Certificate()?.issuer));
        response.end();
      },
      { tls: { ...tls, requestCert: true, rejectUnauthorized: false } },
    );
    const path = await pathTo(target.url, files);
    const [upstream] = path.upstreams('prod');
    expect(await statusOf(path)).toBe(200);
    put(other.client.cert, files.cert);
    upstream?.refreshTls();
    expect(await statusOf(path)).toBe(200);
    put(other.client.key, files.key);
    upstream?.refreshTls();
    expect(await statusOf(path)).toBe(200);
    expect(shown).toEqual(['CN=Outrider test CA', 'CN=Outrider test CA', 'CN=Another CA']);
  });

  test('a request that runs meanwhile ends on the connection that it has', async () => {
    const { files, put } = filesOf(certificates, temporaryFolder());
    const { promise, resolve } = Promise.withResolvers<void>();
    const target = await startTarget(
      async (_, response) => {
        await promise;
        response.end();
      },
      { tls },
    );
    const path = await pathTo(target.url, { ca: files.ca });
    const running = statusOf(path);
    await waitFor(() => target.requests.length === 1, { what: 'the request at the target' });
    put(other.ca, files.ca);
    path.upstreams('prod')[0]?.refreshTls();
    resolve();
    expect(await running).toBe(200);
    await waitFor(() => new Promise<boolean>((done) => target.server.getConnections((_, count) => done(count === 0))), {
      what: 'its connection to be closed',
    });
  });
});

test('outrider_tls_certificate_expiry_timestamp_seconds tells when the certificate last seen expires', async () => {
  const short = certificates.issue('short', ['127.0.0.1'], 2);
  const path = await start({ ca: certificates.ca }, readCertificate(short));
  path.beat();
  expect(path.metric('outrider_tls_certificate_expiry_timestamp_seconds')).toBe(0);
  expect(await statusOf(path)).toBe(200);
  path.beat();
  const { validTo } = new X509Certificate(readFileSync(short.cert));
  expect(path.metric('outrider_tls_certificate_expiry_timestamp_seconds', { target: 'prod' })).toBe(
    Date.parse(validTo) / 1000,
  );
});

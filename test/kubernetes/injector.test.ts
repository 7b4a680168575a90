/** The webhook on real sockets: HTTPS with its own certificate, asked as the API server asks. */
import '../helpers/one-realm.ts';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { valueAt } from '../../src/runtime/config/raw-value.ts';
import { Injector, type InjectorOptions } from '../../src/runtime/injector.ts';
import { makeAuthority, makeCertificate } from '../../src/runtime/kubernetes/certificate.ts';
import { createKubeApi } from '../../src/runtime/kubernetes/node-kube-api.ts';
import { ownCertificates } from '../../src/runtime/kubernetes/webhook-certificates.ts';
import { createKeeperLog } from '../../src/watch/log.ts';
import { startChild } from '../helpers/child.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
import { type FakeApi, patched, startFakeApi } from './kube-api.ts';
import { run } from './manifests.ts';

const NAMES = ['injector.ops.svc'];
const base = { image: 'outrider:0.1.0', pullPolicy: 'IfNotPresent', version: '0.1.0', imagePullSecrets: [] };

interface Started {
  readonly api: FakeApi;
  readonly injector: Injector;
  readonly ended: Promise<void>;
  readonly lines: string[];
}

async function start(options: Partial<InjectorOptions> = {}, api?: FakeApi): Promise<Started> {
  const server = api ?? (await startFakeApi());
  const lines: string[] = [];
  const certificates = ownCertificates({
    api: createKubeApi(server.account),
    namespace: 'ops',
    secret: 'injector',
    names: NAMES,
    now: () => new Date(),
    webhooks: [
      { kind: 'mutatingwebhookconfigurations', name: 'ops-injector' },
      { kind: 'validatingwebhookconfigurations', name: 'ops-injector' },
    ],
  });
  const injector = new Injector({
    address: '127.0.0.1:0',
    metricsAddress: '127.0.0.1:0',
    base: { ...base, defaults: new Map() },
    certificates,
    log: createKeeperLog({ level: 'info', print: (line) => void lines.push(line) }),
    lookMs: 50,
    drainMs: 0,
    ...options,
  });
  const ended = injector.run();
  cleanUp(async () => {
    injector.stop();
    await ended;
  });
  return { api: server, injector, ended, lines };
}

async function started(options: Partial<InjectorOptions> = {}, api?: FakeApi): Promise<Started> {
  const one = await start(options, api);
  await waitFor(() => one.injector.port > 0, { what: 'a webhook that listens' });
  return one;
}

/** Trusts what the API server was told to trust, and checks the Service's name. */
function post(one: Started, path: string, body: unknown, method = 'POST'): Promise<{ status: number; text: string }> {
  const options = {
    host: '127.0.0.1',
    port: one.injector.port,
    path,
    method,
    ca: one.api.bundle(),
    servername: NAMES[0],
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const sent = request(options, async (answer) =>
      resolve({ status: answer.statusCode ?? 0, text: await text(answer) }),
    );
    sent.once('error', reject);
    sent.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

async function review(one: Started, path: string, object: unknown): Promise<Record<string, unknown>> {
  const body = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u-1', namespace: 'shop', object },
  };
  const answer = await post(one, path, body);
  expect(answer.status).toBe(200);
  const parsed: unknown = JSON.parse(answer.text);
  expect(parsed).toMatchObject({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u-1' },
  });
  return Object(valueAt(parsed, ['response']));
}

const pod = (annotations: object, spec: object = {}, labels: object = { 'outrider.dev/inject': 'true' }): unknown => ({
  kind: 'Pod',
  metadata: { generateName: 'acme-', labels, annotations },
  spec: { containers: [{ name: 'app', image: 'nginx' }], ...spec },
});
const configured = { 'outrider.dev/config': 'acme' };

function applied(object: unknown, response: Record<string, unknown>): unknown {
  expect(response).toMatchObject({ allowed: true, patchType: 'JSONPatch' });
  return patched(object, JSON.parse(Buffer.from(String(response.patch), 'base64').toString()));
}

describe('outrider injector', () => {
  test('makes of a pod what outrider inject makes of its manifest', async () => {
    const one = await started();
    const annotations = {
      ...configured,
      'outrider.dev/env-mode': 'http-proxy',
      'outrider.dev/inbound-port': '8081',
      'outrider.dev/app-port': '8080',
    };
    const object = pod(annotations, { volumes: [{ name: 'kube-api-access', projected: {} }] });
    const command = await run('inject', JSON.stringify(object));
    expect(applied(object, await review(one, '/pods', object))).toEqual(JSON.parse(command.text));
  });

  test('changes nothing when it is asked again, and completes a container that came in between', async () => {
    const one = await started();
    const object = applied(
      pod({ ...configured, 'outrider.dev/env-mode': 'base-url' }),
      await review(one, '/pods', pod({ ...configured, 'outrider.dev/env-mode': 'base-url' })),
    );
    expect(await review(one, '/pods', object)).toEqual({ uid: 'u-1', allowed: true });
    const more = patched(object, [{ op: 'add', path: '/spec/containers/1', value: { name: 'mesh' } }]);
    const completed = applied(more, await review(one, '/pods', more));
    expect(valueAt(completed, ['spec', 'containers', 1, 'env'])).toEqual([
      { name: 'OUTRIDER_URL', value: 'http://localhost:5000' },
    ]);
  });

  test('takes what the pod does not say from its own defaults', async () => {
    const defaults = new Map([
      ['config', 'fleet'],
      ['memory-limit', '200Mi'],
    ]);
    const one = await started({ base: { ...base, imagePullSecrets: ['registry'], defaults } });
    const object = pod({ 'outrider.dev/memory-limit': '300Mi' });
    const result = applied(object, await review(one, '/pods', object));
    expect(valueAt(result, ['spec', 'initContainers', 0, 'resources', 'limits', 'memory'])).toBe('300Mi');
    expect(valueAt(result, ['spec', 'imagePullSecrets'])).toEqual([{ name: 'registry' }]);
    expect(valueAt(result, ['metadata', 'annotations', 'outrider.dev/config'])).toBe('fleet');
  });

  test('refuses a pod that can not have what it asks for, with the reason and the way out', async () => {
    const one = await started();
    const messageFor = async (object: unknown): Promise<unknown> => {
      const response = await review(one, '/pods', object);
      expect(response).toMatchObject({ allowed: false, status: { code: 403 } });
      return valueAt(response, ['status', 'message']);
    };
    expect(await messageFor(pod(configured, { hostNetwork: true }))).toMatch(
      /hostNetwork: true.*run Outrider as a gateway.*outrider.dev\/inject: "false"/,
    );
    expect(await messageFor(pod({}))).toMatch(/outrider.dev\/config: missing/);
    expect(await messageFor(pod({ ...configured, 'outrider.dev/spool': 'emptydir' }))).toMatch(
      /outrider.dev\/spool: found "emptydir"; expected emptyDir:256Mi/,
    );
  });

  test('lets through without a sidecar what wants none or has one, and says so', async () => {
    const one = await started();
    const skipped: [unknown, unknown][] = [
      [pod({}, {}, { 'outrider.dev/inject': 'false' }), undefined],
      [pod({ 'kubernetes.io/config.mirror': 'x' }), undefined],
      [
        pod({}, { containers: [{ name: 'outrider' }] }),
        ['outrider: the pod has a container "outrider" already: nothing was put in'],
      ],
      [pod({}, { hostNetwork: true }, {}), ['outrider: a pod with hostNetwork: true gets no sidecar']],
    ];
    for (const [object, warnings] of skipped) {
      const response = await review(one, '/pods', object);
      expect([response.allowed, response.patch, response.warnings]).toEqual([true, undefined, warnings]);
    }
  });

  test('leaves a sidecar of other settings as it is, with a warning', async () => {
    const one = await started();
    const { text: manifest } = await run('inject', JSON.stringify(pod(configured)), '--memory-limit', '99Mi');
    const object = patched(JSON.parse(manifest), [
      { op: 'add', path: '/metadata/annotations/outrider.dev~1memory-limit', value: '98Mi' },
    ]);
    const response = await review(one, '/pods', object);
    expect(response).toMatchObject({ allowed: true, warnings: [expect.stringMatching(/left as it is/)] });
    expect(response.patch).toBeUndefined();
  });

  test('refuses an edit of routes with file, line and column, and takes a good one', async () => {
    const one = await started();
    const routes =
      'targets: {qa: "http://qa:1"}\nrules:\n  - name: a\n    match: {listeners: [inbound], headers: {x: "1"}}\n    request: {headers: {set: {y: "${env:STAGE}"}}}\n    target: qa\ndefault: qa\n';
    const edit = (data: object) => review(one, '/configmaps', { kind: 'ConfigMap', data });
    expect(await edit({ 'routes.yaml': routes })).toEqual({ uid: 'u-1', allowed: true });
    const broken = await edit({ 'routes.yaml': routes.replace('target: qa', 'target: qaa') });
    expect(broken).toMatchObject({
      allowed: false,
      status: {
        message: expect.stringMatching(/^routes.yaml:6:13: rules\[0\].target: no target "qaa".*did you mean "qa"/),
      },
    });
    expect(await edit({ 'route.yaml': routes })).toMatchObject({
      allowed: false,
      status: { message: expect.stringMatching(/the key routes.yaml is missing.*found: route.yaml; did you mean/) },
    });
    expect(await edit({ 'routes.yaml': routes.replace('default: qa', 'default: qa ') })).toMatchObject({
      allowed: true,
      warnings: [expect.stringMatching(/routes.yaml:7: ends in a space/)],
    });
    const whole = { 'routes.yaml': routes, 'outrider.yaml': 'listeners: [{name: a, address: "localhost:1"}]\n' };
    expect(await edit(whole)).toMatchObject({
      allowed: false,
      status: { message: expect.stringMatching(/no listener "inbound"/) },
    });
  });

  test('answers what is no review with the reason', async () => {
    const one = await started();
    expect(await post(one, '/pods', '{}')).toEqual({ status: 400, text: expect.stringMatching(/no AdmissionReview/) });
    expect(await post(one, '/pods', 'no json')).toMatchObject({ status: 400 });
    expect(await post(one, '/pods', '', 'GET')).toMatchObject({ status: 405 });
    expect(await post(one, '/else', '{}')).toEqual({ status: 404, text: 'here are /pods and /configmaps\n' });
  });
});

describe('the webhook and its API server', () => {
  test('two replicas that start at once share one authority, and tell it to both webhook configurations', async () => {
    const api = await startFakeApi();
    const both = await Promise.all([started({}, api), started({}, api)]);
    for (const one of both) expect((await review(one, '/pods', pod(configured))).allowed).toBe(true);
    const bundles = [...api.objects.values()].flatMap((object) => {
      const webhooks = valueAt(object, ['webhooks']);
      return Array.isArray(webhooks)
        ? webhooks.map((webhook: unknown) => valueAt(webhook, ['clientConfig', 'caBundle']))
        : [];
    });
    expect(bundles).toHaveLength(3);
    expect(new Set(bundles).size).toBe(1);
  });

  test('a caBundle that something takes away is put back', async () => {
    const one = await started();
    const before = one.api.bundle();
    one.api.resetBundle();
    expect(one.api.bundle()).toBe('');
    await waitFor(() => one.api.bundle() === before, { what: 'the caBundle, back again' });
  });

  test('it is not ready without a certificate, says why, and gets over it', async () => {
    const api = await startFakeApi();
    api.broken = 403;
    const one = await start({}, api);
    await waitFor(() => one.injector.probesPort > 0 && one.lines.length > 0, { what: 'a look that failed' });
    const readyz = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${one.injector.probesPort}/readyz?verbose`)).text();
    expect(await readyz()).toMatch(/\[-\]certificate: Secret ops\/injector can't be read: 403 .*injector.enabled/);
    expect(one.lines.join('')).toMatch(/can't be read: 403/);
    api.broken = null;
    await waitFor(async () => (await readyz()).includes('readyz check passed'), { what: 'an injector that is ready' });
  });

  test('it goes on serving while the API server is away', async () => {
    const one = await started();
    one.api.broken = 500;
    await waitFor(() => one.lines.join('').includes("can't be read: 500"), { what: 'a look that failed' });
    expect((await review(one, '/pods', pod(configured))).allowed).toBe(true);
    expect((await fetch(`http://127.0.0.1:${one.injector.probesPort}/readyz`)).status).toBe(200);
  });

  test('it counts what it did', async () => {
    const one = await started();
    await review(one, '/pods', pod(configured));
    await review(one, '/pods', pod({}));
    const metrics = await (await fetch(`http://127.0.0.1:${one.injector.probesPort}/metrics`)).text();
    expect(metrics).toContain('outrider_injections_total{result="injected",reason="none"} 1');
    expect(metrics).toContain('outrider_injections_total{result="denied",reason="refused"} 1');
    expect(metrics).toMatch(/outrider_tls_certificate_expiry_timestamp_seconds\{target="injector"\} \d{10}/);
  });

  test('told to end it goes on serving until nobody sends any more, and is not ready meanwhile', async () => {
    const one = await started({ drainMs: 500 });
    one.injector.stop();
    expect((await fetch(`http://127.0.0.1:${one.injector.probesPort}/readyz`)).status).toBe(503);
    expect((await review(one, '/pods', pod(configured))).allowed).toBe(true);
    await one.ended;
    await expect(review(one, '/pods', pod(configured))).rejects.toThrow(/ECONNREFUSED/);
  });
});

test('as a process with mounted certificates it serves the next ones when the files change, and ends with 0', async () => {
  const folder = temporaryFolder();
  const authority = makeAuthority('corp', 1);
  const write = (): void => {
    const { cert, key } = makeCertificate(authority, NAMES, 1);
    writeFileSync(join(folder, 'tls.crt'), cert);
    writeFileSync(join(folder, 'tls.key'), key);
  };
  write();
  const addresses = ['--address', '127.0.0.1:0', '--metrics-address', '127.0.0.1:0', '--drain', '0', '--look', '50'];
  const entry = join(import.meta.dirname, '../../src/outrider.ts');
  const child = startChild(process.execPath, [entry, 'injector', '--certificate-folder', folder, ...addresses], {
    env: { PATH: process.env.PATH ?? '' },
  });
  cleanUp(() => void child.process.kill('SIGKILL'));
  const line = await waitFor(() => child.stdout.find((one) => one.includes('"msg":"listening"')), {
    what: 'a webhook that listens',
  });
  const port = Number(valueAt(JSON.parse(line), ['port']));
  const served = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, servername: 'injector.ops.svc' }, () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
        socket.destroy();
      });
      socket.once('error', reject);
    });
  const first = await served();
  write();
  await waitFor(async () => (await served()) !== first, { what: 'the next certificate' });
  child.process.kill('SIGTERM');
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

/**
 * What the injector uses of an API server, on a real socket with TLS: one Secret, and two webhook configurations.
 * Versions of objects are compared as the real one does; the real one is in `npm run test:cluster`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isMapping, valueAt } from '../../src/runtime/config/raw-value.ts';
import { makeAuthority, makeCertificate } from '../../src/runtime/kubernetes/certificate.ts';
import type { KubeAccount } from '../../src/runtime/kubernetes/node-kube-api.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';

export const TOKEN = 'the-token-of-the-pod';
const SECRET = '/api/v1/namespaces/ops/secrets/injector';
const MUTATING = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/ops-injector';
const VALIDATING = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/ops-injector';

export interface FakeApi {
  readonly account: KubeAccount;
  /** By path. */
  readonly objects: Map<string, unknown>;
  /** `GET PATH` of every request. */
  readonly asked: string[];
  /** What every request is answered with instead. */
  broken: number | null;
  /** PEM, of the mutating configuration; '' without one. */
  bundle(): string;
  resetBundle(): void;
  secretKeys(): string[];
}

export async function startFakeApi(): Promise<FakeApi> {
  const authority = makeAuthority('test cluster', 1);
  const server = createServer(makeCertificate(authority, ['localhost'], 1));
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  writeFileSync(join(folder, 'ca.crt'), authority.cert);
  const objects = new Map<string, unknown>([
    [SECRET, { kind: 'Secret', metadata: { name: 'injector', namespace: 'ops', resourceVersion: '1' } }],
    [MUTATING, webhooks('pods.outrider.dev', 'namespaces.outrider.dev')],
    [VALIDATING, webhooks('routes.outrider.dev')],
  ]);
  const api = { objects, asked: [] as string[], broken: null as number | null };
  server.on('request', async (request, response) => {
    const { status, body } = await reply(request, api);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const webhook = (): unknown => valueAt(objects.get(MUTATING), ['webhooks', 0, 'clientConfig']);
  return Object.assign(api, {
    account: { server: `https://localhost:${port}`, folder },
    bundle: () => Buffer.from(String(valueAt(webhook(), ['caBundle']) ?? ''), 'base64').toString(),
    resetBundle: () => void objects.set(MUTATING, webhooks('pods.outrider.dev', 'namespaces.outrider.dev')),
    secretKeys: () => Object.keys(Object(valueAt(objects.get(SECRET), ['data']))),
  });
}

function webhooks(...names: readonly string[]): unknown {
  return { webhooks: names.map((name) => ({ name, clientConfig: { service: { name: 'injector' } } })) };
}

async function reply(
  request: IncomingMessage,
  { objects, asked, broken }: Pick<FakeApi, 'objects' | 'asked' | 'broken'>,
): Promise<{ status: number; body: unknown }> {
  const { method = '', url = '' } = request;
  const body: unknown = JSON.parse((await text(request)) || 'null');
  asked.push(`${method} ${url}`);
  if (broken !== null) return { status: broken, body: { message: 'as the test wants it' } };
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return { status: 401, body: { message: 'who are you?' } };
  const found = objects.get(url);
  if (found === undefined) return { status: 404, body: { message: 'not found' } };
  if (method === 'PUT') return put(url, found, body, objects);
  if (method === 'PATCH') objects.set(url, patched(found, body));
  return { status: 200, body: objects.get(url) };
}

function put(
  url: string,
  found: unknown,
  body: unknown,
  objects: Map<string, unknown>,
): { status: number; body: unknown } {
  const version = ['metadata', 'resourceVersion'];
  if (valueAt(body, version) !== valueAt(found, version)) return { status: 409, body: { message: 'conflict' } };
  const metadata = {
    ...Object(valueAt(body, ['metadata'])),
    resourceVersion: `${Number(valueAt(found, version)) + 1}`,
  };
  objects.set(url, { ...(isMapping(body) ? body : {}), metadata });
  return { status: 200, body: objects.get(url) };
}

/** `test` and `add`, as far as they are used. @throws where a test fails */
export function patched(document: unknown, operations: unknown): unknown {
  const copy = structuredClone(document);
  for (const operation of Array.isArray(operations) ? operations : []) {
    const steps = String(operation.path)
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop() ?? '';
    const parent: unknown = steps.reduce<unknown>((value, step) => valueAt(value, [step]), copy);
    if (typeof parent !== 'object' || parent === null) throw new Error(`nothing at ${operation.path}`);
    if (operation.op === 'test') {
      if (JSON.stringify(Reflect.get(parent, last)) !== JSON.stringify(operation.value)) throw new Error('test failed');
    } else if (Array.isArray(parent)) {
      parent.splice(
        Number(last),
        operation.op === 'remove' ? 1 : 0,
        ...(operation.op === 'add' ? [operation.value] : []),
      );
    } else if (operation.op === 'remove') Reflect.deleteProperty(parent, last);
    else Reflect.set(parent, last, operation.value);
  }
  return copy;
}

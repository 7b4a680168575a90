/**
 * The little of an API server that `helm --dry-run=server` asks: which version and kinds there are, and objects by
 * name. It keeps nothing and checks nothing: what a cluster makes of a manifest is tested on a real one.
 */

import { writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { cleanUp, temporaryFolder } from './cleanup.ts';

const KINDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/api/v1': {
    configmaps: 'ConfigMap',
    persistentvolumeclaims: 'PersistentVolumeClaim',
    pods: 'Pod',
    services: 'Service',
    serviceaccounts: 'ServiceAccount',
    secrets: 'Secret',
  },
  '/apis/apps/v1': { deployments: 'Deployment', statefulsets: 'StatefulSet', daemonsets: 'DaemonSet' },
  '/apis/batch/v1': { jobs: 'Job', cronjobs: 'CronJob' },
};

export interface FakeKubernetes {
  /** A kubeconfig file that names it. */
  readonly kubeconfig: string;
  /** Paths that were asked. */
  readonly asked: readonly string[];
}

/** @param objects by path, such as /api/v1/namespaces/shop/configmaps/routes */
export async function startFakeKubernetes(objects: Readonly<Record<string, object>> = {}): Promise<FakeKubernetes> {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    const path = url.split('?')[0] ?? '';
    asked.push(path);
    answer(response, objects[path] ?? discovery(path) ?? (isList(path) ? emptyList() : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(temporaryFolder(), 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(configFor(`http://127.0.0.1:${port}`)));
  return { kubeconfig, asked };
}

function answer(response: ServerResponse, body: object | undefined): void {
  const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body ?? missing));
}

function discovery(path: string): object | undefined {
  if (path === '/version') return { major: '1', minor: '34', gitVersion: 'v1.34.4' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [group('apps'), group('batch')] };
  const kinds = KINDS[path];
  if (kinds === undefined) return undefined;
  const resources = Object.entries(kinds).map(([name, kind]) => {
    const verbs = ['get', 'list', 'create', 'patch', 'delete', 'update', 'watch'];
    return { name, singularName: '', namespaced: true, kind, verbs };
  });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: path.replace(/^\/apis?\//, ''), resources };
}

function group(name: string): object {
  const version = { groupVersion: `${name}/v1`, version: 'v1' };
  return { name, versions: [version], preferredVersion: version };
}

/** Helm looks for the Secrets of earlier releases. */
function isList(path: string): boolean {
  return path.endsWith('/secrets');
}

function emptyList(): object {
  return { kind: 'SecretList', apiVersion: 'v1', metadata: {}, items: [] };
}

function configFor(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server } }],
    users: [{ name: 'fake', user: {} }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
  };
}

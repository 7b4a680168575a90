/** The target of the small requests: nginx with the same small answer for everything. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Child } from '../test/helpers/child.ts';
import { closedPort } from '../test/helpers/ports.ts';
import { startOnCores, stopChild, waitForChild } from './processes.ts';

export interface Target {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** Bytes of the small answer's body. */
export const SMALL_BODY = 100;

export async function startNginx(folder: string, cores: string): Promise<Target> {
  const port = await closedPort();
  const prefix = join(folder, 'nginx');
  mkdirSync(prefix);
  const config = join(prefix, 'nginx.conf');
  writeFileSync(config, nginxConfig(prefix, port));
  const child = startOnCores('nginx', ['-p', prefix, '-c', config, '-e', join(prefix, 'error.log')], { cores });
  await waitForPort(child, port);
  return { port, url: `http://127.0.0.1:${port}`, stop: () => stopChild(child) };
}

/** Waits until a process accepts connections on a port of 127.0.0.1. */
export function waitForPort(child: Child, port: number): Promise<true> {
  return waitForChild(child, `port ${port} to accept connections`, () => accepts(port));
}

function accepts(port: number): Promise<true | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(null));
  });
}

function nginxConfig(prefix: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
worker_processes 1;
pid ${prefix}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  ${temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type text/plain; add_header x-served-by target; return 200 "${'x'.repeat(SMALL_BODY)}"; }
  }
}
`;
}

/** nginx from Debian, as the legacy software in front of a sidecar that it reaches by `localhost`. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild } from '../helpers/child.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { closedPort } from '../helpers/ports.ts';
import { describeUnless } from '../helpers/skip.ts';
import { waitFor } from '../helpers/wait.ts';

/** Debian puts it where only root's PATH looks. */
const BINARY = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path));

/** A `describe` that is skipped with one loud line where there is no nginx; with CI=true that is a failure. */
export function describeWithNginx(title: string, suite: () => void): void {
  describeUnless(BINARY === undefined ? "NO NGINX (install Debian's nginx)" : undefined, title, suite);
}

/** Passes everything to `http://localhost:port` as the older deployment does; gives its own URL. */
export async function startEnricher(sidecarPort: number): Promise<string> {
  const folder = temporaryFolder();
  const port = await closedPort();
  const config = join(folder, 'nginx.conf');
  mkdirSync(join(folder, 'tmp'));
  writeFileSync(config, configOf(folder, port, sidecarPort));
  const child = startChild(BINARY ?? 'nginx', ['-p', folder, '-c', config, '-e', 'stderr'], { env: {} });
  cleanUp(async () => {
    child.process.kill('SIGTERM');
    await child.exited;
  });
  await untilOpen(port, () => (child.exit === null ? '' : child.stderr.join('\n')));
  return `http://127.0.0.1:${port}`;
}

/** @throws Error when `ended` says why it never will, or after 15 s */
export async function untilOpen(port: number, ended: () => string): Promise<void> {
  const isOpen = async (): Promise<boolean> => ended() !== '' || (await accepts(port));
  await waitFor(isOpen, { what: `port ${port} to accept connections`, timeoutMs: 15_000 });
  if (ended() !== '') throw new Error(ended());
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function configOf(folder: string, port: number, sidecarPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/tmp/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://localhost:${sidecarPort};
      proxy_set_header Host $host;
      proxy_set_header Enriched true;
      proxy_set_header X-Real-IP $remote_addr;
    }
  }
}
`;
}

/** curl's exit code and what it printed. */
export async function curl(args: readonly string[]): Promise<{ code: number; stdout: string }> {
  try {
    const { stdout } = await promisify(execFile)('curl', ['-s', ...args]);
    return { code: 0, stdout };
  } catch (error) {
    const { code, stdout } = error as { code?: number; stdout?: string };
    return { code: code ?? -1, stdout: stdout ?? '' };
  }
}

/** The peers on the same Node.js: Express with http-proxy-middleware, and bare node:http with undici. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Contender } from '../contender.ts';
import { startPeer } from './peer.ts';

export function prepareExpress({ root }: Bench): Contender {
  const packages = ['express', 'http-proxy-middleware', 'prom-client'];
  const script = join(root, 'bench/peers/express-proxy.mjs');
  return {
    name: 'express',
    title: packages.map((name) => `${name} ${versionOf(root, name)}`).join(' + '),
    start: (plan) => startPeer(process.execPath, [script], plan, { ...process.env, NODE_ENV: 'production' }),
  };
}

export function prepareBare({ root }: Bench): Contender {
  const script = join(root, 'bench/peers/bare.mjs');
  return {
    name: 'bare',
    title: `node:http ${process.versions.node} + undici ${versionOf(root, 'undici')}, bare`,
    start: (plan) => startPeer(process.execPath, [script], plan),
  };
}

function versionOf(root: string, name: string): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
  );
  return version;
}

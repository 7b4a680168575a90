/** Go's httputil.ReverseProxy, built when `go` is there. */
import { join } from 'node:path';
import type { Bench, Prepared } from '../contender.ts';
import { runOnCores } from '../processes.ts';
import { startPeer } from './peer.ts';

export async function prepareGo({ root, cache, cores }: Bench): Promise<Prepared> {
  const binary = join(cache, 'go-proxy');
  try {
    const version = await runOnCores('go', ['env', 'GOVERSION'], { cores: cores.all });
    await runOnCores('go', ['build', '-o', binary, '.'], { cores: cores.all, cwd: join(root, 'bench/peers/go-proxy') });
    return {
      name: 'go',
      title: `Go ${version.replace('go', '')} httputil.ReverseProxy, GOMAXPROCS=1`,
      start: (plan) => startPeer(binary, [], plan, { ...process.env, GOMAXPROCS: '1' }),
    };
  } catch (error) {
    return { name: 'go', missing: `it can't be built: ${error instanceof Error ? error.message : error}` };
  }
}

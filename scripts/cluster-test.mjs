// npm run test:cluster: what only a real Kubernetes can show. Some of it: npm run test:cluster -- older
import { loadImages, startCluster } from './cluster/cluster.mjs';
import { ensureModules } from './ensure.mjs';
import { nodeBinary, runForeground, say } from './project.mjs';
import { ensureTools } from './system.mjs';

try {
  ensureModules();
  ensureTools();
  const cluster = startCluster();
  loadImages(cluster);
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const suites = ['--testMatch', '**/test/cluster/*.cluster.ts', '--runInBand', '--verbose'];
  const which = process.argv.slice(2);
  const patterns = which.length > 0 ? ['--testPathPatterns', ...which.map((name) => `cluster/${name}`)] : [];
  process.exitCode = await runForeground(
    nodeBinary(),
    [...flags, 'node_modules/jest/bin/jest.js', ...suites, ...patterns],
    { env: cluster.env },
  );
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

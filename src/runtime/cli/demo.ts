import type { CliContext } from './context.ts';
import { type DemoPorts, demoConfigFolder, EXAMPLE_PORTS } from './demo-config.ts';
import { DEMO_TARGETS, probePort, startDemoTargets } from './node-demo-targets.ts';
import { CommandFailure, UsageError } from './usage-error.ts';

/**
 * Runs four targets and Outrider in front of them, says what to try, and stays until SIGINT or SIGTERM. Gives the
 * exit code.
 *
 * @throws CommandFailure when a port is taken, naming it and the option that changes it
 * @throws UsageError for a port that can't be, or that is given twice
 */
export async function runDemo(context: CliContext, options: Partial<DemoPorts> = {}): Promise<number> {
  const ports = { ...EXAMPLE_PORTS, ...options };
  await checkPorts(ports);
  const configPath = demoConfigFolder(ports);
  const targets = await startDemoTargets(ports.targetPort);
  try {
    const { runOutrider } = await import('../run.ts');
    const { ready, exited } = await runOutrider({ configPath, env: context.env });
    // A signal may end it before all of it is ready; then there is nothing to try.
    const isReady = await Promise.race([ready.then(() => true), exited.then(() => false)]);
    if (isReady) for (const line of demoLines(ports, configPath)) context.out(line);
    return await exited;
  } finally {
    await targets.stop();
  }
}

/** Before anything starts: so that the one line is about the port, and nothing has to be stopped again. */
async function checkPorts(ports: DemoPorts): Promise<void> {
  const wanted = [
    { port: ports.port, option: '--port', key: 'listeners[0].address in outrider.yaml' },
    { port: ports.metricsPort, option: '--metrics-port', key: 'metrics.address in outrider.yaml' },
    { port: ports.adminPort, option: '--admin-port', key: 'admin.address in outrider.yaml' },
    ...DEMO_TARGETS.map((name, at) => ({
      port: ports.targetPort + at,
      option: '--target-port',
      key: `targets.${name} in routes.yaml`,
    })),
  ];
  for (const [at, { port, option }] of wanted.entries()) {
    const twice = wanted.findIndex((other) => other.port === port) < at;
    if (port < 1 || port > 65_535) throw new UsageError(`${option}: there is no port ${port}`);
    if (twice) throw new UsageError(`${option}: port ${port} has a use already`);
  }
  for (const { port, option, key } of wanted) {
    const code = await probePort(port);
    if (code === 'free') continue;
    const problem = code === 'EADDRINUSE' ? `port ${port} is in use` : `port ${port} can't be used (${code})`;
    throw new CommandFailure(`${problem}: choose another with ${option} (the key is ${key})`);
  }
}

function demoLines(ports: DemoPorts, configPath: string): string[] {
  const url = `http://localhost:${ports.port}`;
  const admin = `http://localhost:${ports.adminPort}`;
  return [
    `Outrider listens on ${url}, with the targets ${DEMO_TARGETS.join(', ')} behind it. Try in another terminal:`,
    '',
    '1. Routing: the qa target answers; without the header it is prod.',
    `   curl -s -H 'environment: qa' ${url}/hello`,
    '2. A patched header: dev receives "Host1a: dev", which curl did not send.',
    `   curl -s -H 'environment: dev' ${url}/hello`,
    `3. A captured failure: the answer's outrider-record is its id, to be read at ${admin}/api/records/ID`,
    `   curl -si -H 'environment: broken' -d 'order=7' ${url}/orders`,
    '4. Metrics: requests by rule, target and status.',
    `   curl -s http://localhost:${ports.metricsPort}/metrics | grep ^outrider_requests_total`,
    '',
    `Edit ${configPath}/routes.yaml: within a second it counts. Ctrl-C stops everything.`,
  ];
}

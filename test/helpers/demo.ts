/** `outrider demo` on free ports, as a process of its own. */
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import { cleanUp, temporaryFolder } from './cleanup.ts';
import { closedPort, occupyPort } from './ports.ts';
import { waitFor } from './wait.ts';

export const projectRoot = join(import.meta.dirname, '../..');

export interface DemoPorts {
  readonly port: number;
  readonly metricsPort: number;
  readonly adminPort: number;
  /** The first of four. */
  readonly targetPort: number;
}

export interface Demo {
  readonly child: Child;
  readonly ports: DemoPorts;
  /** Where it runs: has `var/`. */
  readonly dir: string;
}

/** Free a moment ago, and no two alike. */
export async function freeDemoPorts(): Promise<DemoPorts> {
  const targetPort = await firstOfFour();
  const [port, metricsPort, adminPort] = [await closedPort(), await closedPort(), await closedPort()];
  const all = new Set([port, metricsPort, adminPort, ...[0, 1, 2, 3].map((more) => targetPort + more)]);
  return all.size === 7 ? { port, metricsPort, adminPort, targetPort } : freeDemoPorts();
}

async function firstOfFour(): Promise<number> {
  const first = await closedPort();
  for (const port of [first + 1, first + 2, first + 3]) {
    const free = await occupyPort(port).then(
      ({ release }) => release().then(() => true),
      () => false,
    );
    if (!free) return firstOfFour();
  }
  return first;
}

export function demoArguments({ port, metricsPort, adminPort, targetPort }: DemoPorts): string[] {
  const ports = {
    '--port': port,
    '--metrics-port': metricsPort,
    '--admin-port': adminPort,
    '--target-port': targetPort,
  };
  return ['demo', ...Object.entries(ports).flatMap(([option, value]) => [option, String(value)])];
}

/** Runs `outrider` from its sources in `cwd`. */
export function startOutriderCommand(args: readonly string[], cwd: string): Child {
  const { PATH = '', HOME = '' } = process.env;
  const flags = ['--disable-warning=ExperimentalWarning', join(projectRoot, 'src/outrider.ts')];
  return startChild(process.execPath, [...flags, ...args], { cwd, env: { PATH, HOME } });
}

/** Waits until it has said what to try. @throws Error with all it said, when it exits before. */
export async function startDemo({ shared = false } = {}): Promise<Demo> {
  const dir = temporaryFolder({ shared });
  const ports = await freeDemoPorts();
  const child = startOutriderCommand(demoArguments(ports), dir);
  cleanUp(() => stopDemo(child), { shared });
  const said = () => [...child.stdout, ...child.stderr].join('\n');
  const ready = await waitFor(() => child.stdout.some((line) => line.includes('Ctrl-C')) || child.exit, {
    what: 'the demo to be ready',
    timeoutMs: 20_000,
  });
  if (ready !== true) throw new Error(`the demo exited (${JSON.stringify(ready)}): ${said()}`);
  return { child, ports, dir };
}

/** Ctrl-C; a demo that doesn't end within 10 s is killed, and the test fails. */
export async function stopDemo(child: Child): Promise<void> {
  child.process.kill('SIGINT');
  const deadline = setTimeout(() => child.process.kill('SIGKILL'), 10_000);
  const { signal } = await child.exited;
  clearTimeout(deadline);
  if (signal === 'SIGKILL') throw new Error(`the demo was still there 10 s after Ctrl-C: ${child.stdout.join('\n')}`);
}

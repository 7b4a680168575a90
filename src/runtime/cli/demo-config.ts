/** The demo's configuration: `example/` as it is, or a copy under `var/` on other ports. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../package-root.ts';
import { DEMO_TARGETS } from './node-demo-targets.ts';

export interface DemoPorts {
  readonly port: number;
  readonly metricsPort: number;
  readonly adminPort: number;
  /** The four targets take it and the three after it. */
  readonly targetPort: number;
}

/** Those of the files in `example/`. */
export const EXAMPLE_PORTS: DemoPorts = { port: 5000, metricsPort: 5090, adminPort: 5091, targetPort: 5101 };

const EXAMPLE = join(packageRoot, 'example');

/**
 * The folder to run with, as short as it can be said from here. On the example's own ports it is `example/` itself,
 * so that editing it shows a reload; on others a copy in `var/demo-PORT`, with a spool of its own there.
 */
export function demoConfigFolder(ports: DemoPorts): string {
  const same = Object.entries(EXAMPLE_PORTS).every(([name, port]) => ports[name as keyof DemoPorts] === port);
  if (same) return relative('.', EXAMPLE) || '.';
  const folder = join('var', `demo-${ports.port}`);
  mkdirSync(folder, { recursive: true });
  for (const file of ['outrider.yaml', 'routes.yaml']) {
    writeFileSync(join(folder, file), shiftPorts(readFileSync(join(EXAMPLE, file), 'utf8'), ports, folder));
  }
  return folder;
}

/** Ports are replaced where they follow a host (`*` is one, in quotes), so comments and layout stay. */
function shiftPorts(text: string, ports: DemoPorts, folder: string): string {
  const moved = new Map([
    [EXAMPLE_PORTS.port, ports.port],
    [EXAMPLE_PORTS.metricsPort, ports.metricsPort],
    [EXAMPLE_PORTS.adminPort, ports.adminPort],
    ...DEMO_TARGETS.map((_, at): [number, number] => [EXAMPLE_PORTS.targetPort + at, ports.targetPort + at]),
  ]);
  return text
    .replace(
      /(localhost|127\.0\.0\.1|"\*):(\d+)/g,
      (_, host: string, port: string) => `${host}:${moved.get(Number(port)) ?? port}`,
    )
    .replace('./var/spool', `./${folder}/spool`);
}

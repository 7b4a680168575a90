/** A peer that takes its port and the target's URL as its last two arguments, as the ones in bench/peers do. */
import { closedPort } from '../../test/helpers/ports.ts';
import type { RunningContender, StartPlan } from '../contender.ts';
import { waitForPort } from '../nginx.ts';
import { lastWords, startOnCores, stopChild } from '../processes.ts';

/** Starts it and waits until it accepts connections. */
export async function startPeer(
  command: string,
  args: readonly string[],
  { targetUrl, cores }: StartPlan,
  env: NodeJS.ProcessEnv = process.env,
): Promise<RunningContender> {
  const port = await closedPort();
  const child = startOnCores(command, [...args, String(port), targetUrl], { cores, env });
  await waitForPort(child, port);
  const url = `http://127.0.0.1:${port}`;
  return { pid: child.pid, url, lastWords: () => lastWords(child), stop: () => stopChild(child) };
}

/** What a consumer that nobody here wrote says of a topic. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** Record ids, which are the keys, in the order of the topic's only partition; a topic of any size. */
export async function readKeys(brokers: readonly string[], topic: string): Promise<string[]> {
  const args = ['-b', brokers.join(','), '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%k\\n'];
  const kcat = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const keys: string[] = [];
  const exited = once(kcat, 'close');
  for await (const line of createInterface({ input: kcat.stdout })) keys.push(line);
  const [code] = await exited;
  if (code !== 0) throw new Error(`kcat ended with ${code}`);
  return keys;
}

/** One more than the last offset of the topic's only partition. */
export async function endOffset(brokers: readonly string[], topic: string): Promise<number> {
  const args = ['-b', brokers.join(','), '-Q', '-t', `${topic}:0:-1`];
  const { stdout } = await promisify(execFile)('kcat', args, { timeout: 20_000 });
  return Number(/offset (\d+)/.exec(stdout)?.[1]);
}

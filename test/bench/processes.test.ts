import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { withRunning } from '../../bench/contender.ts';
import { cpuSeconds, shareCores } from '../../bench/machine.ts';
import { lastWords, runOnCores, startOnCores, stopAll, stopChild, waitForChild } from '../../bench/processes.ts';
import { waitFor } from '../helpers/wait.ts';

const NODE = process.execPath;
const cores = '0';

afterEach(stopAll);

test('the pid of a pinned process is its own, and it is on the cores that were asked for', async () => {
  const child = startOnCores(NODE, ['-p', 'process.pid'], { cores });
  await child.exited;
  expect(child.stdout).toEqual([String(child.pid)]);
  expect(await runOnCores('grep', ['Cpus_allowed_list', '/proc/self/status'], { cores })).toMatch(/\t0$/);
});

test('a command that fails is told with what it printed, one that is not there too', async () => {
  const failing = runOnCores(NODE, ['-e', 'console.error("no disk"); process.exit(3)'], { cores });
  await expect(failing).rejects.toThrow(/ended with 3:\nno disk/);
  await expect(runOnCores('no-such-command', [], { cores })).rejects.toThrow(/no-such-command/);
});

test('waiting for a process that ends tells how it ended and what it printed', async () => {
  const child = startOnCores(NODE, ['-e', 'console.log("bad config"); process.exit(64)'], { cores });
  await expect(waitForChild(child, 'the port', async () => null)).rejects.toThrow(
    /the port: it ended with 64\nbad config/,
  );
});

test('an error while a contender runs names it, and how it ended when it did; it is stopped either way', async () => {
  const running = (script: string) => {
    const child = startOnCores(NODE, ['-e', script], { cores });
    return { child, pid: child.pid, url: '', lastWords: () => lastWords(child), stop: () => stopChild(child) };
  };
  const crashes = running('console.error("out of memory"); process.exit(9)');
  const work = async (): Promise<never> => {
    await crashes.child.exited;
    throw new Error('socket hang up');
  };
  const failure = withRunning('Envoy', Promise.resolve(crashes), work);
  await expect(failure).rejects.toThrow('Envoy: socket hang up\nit ended with 9\nout of memory');

  const stays = running('setInterval(() => {}, 1000)');
  const refused = withRunning('Go', Promise.resolve(stays), () => Promise.reject(new Error('502')));
  await expect(refused).rejects.toThrow(/^Go: 502$/);
  expect(stays.child.exit).not.toBeNull();
});

test('a process that ignores SIGTERM is killed', async () => {
  const script = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")';
  const child = startOnCores(NODE, ['-e', script], { cores });
  await waitFor(() => child.stdout.includes('up'), { what: 'the process to be up' });
  await stopChild(child);
  expect(child.exit?.signal).toBe('SIGKILL');
  await stopChild(child);
});

test('Ctrl-C stops what the benchmark started, cleans up, and ends with 130', async () => {
  const script = `
    import { startOnCores, stopAllOnSignals } from ${JSON.stringify(join(import.meta.dirname, '../../bench/processes.ts'))};
    stopAllOnSignals(() => console.log('cleaned'));
    console.log('pid ' + startOnCores('sleep', ['60'], { cores: '0' }).pid);`;
  let output = '';
  const bench = execFile(NODE, ['--input-type=module', '-e', script], { timeout: 10_000 });
  bench.stdout?.on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise((resolve) => bench.on('exit', resolve));
  const pid = await waitFor(() => /pid (\d+)/.exec(output)?.[1], { what: 'the process that it starts' });
  bench.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(output).toContain('cleaned');
  expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
});

test('CPU seconds are those of the process, of all its threads', async () => {
  const script =
    'const end = Date.now() + 300; while (Date.now() < end); console.log("done"); setInterval(() => {}, 1000)';
  const child = startOnCores(NODE, ['-e', script], { cores });
  await waitFor(() => child.stdout.includes('done'), { what: 'the work to be done' });
  const seconds = cpuSeconds(child.pid);
  expect(seconds).toBeGreaterThan(0.05);
  expect(seconds).toBeLessThan(5);
});

test('one core is for what is measured and the others for the load; one core is not enough', () => {
  expect(shareCores(2)).toEqual({ proxy: '0', load: '1', all: '0-1' });
  expect(shareCores(8)).toEqual({ proxy: '0', load: '1-7', all: '0-7' });
  expect(() => shareCores(1)).toThrow('two cores');
});

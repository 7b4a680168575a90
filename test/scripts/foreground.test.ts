import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp } from '../helpers/cleanup.ts';
import { waitFor } from '../helpers/wait.ts';
import { projectRoot } from './tree.ts';

/** A process that runs another in the foreground; both in a group of their own, as a terminal has them. */
function startForeground(inner: string) {
  const outer = `
    import { runForeground } from ${JSON.stringify(join(projectRoot, 'scripts/project.mjs'))};
    process.exitCode = await runForeground(process.execPath, ['-e', ${JSON.stringify(inner)}]);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', outer], { detached: true });
  cleanUp(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { pid: child.pid ?? 0, said: () => said, exited };
}

const COUNTING = `
  let count = 0;
  process.on('SIGINT', () => { count += 1; console.log('signal'); setTimeout(() => process.exit(40 + count), 300); });
  setInterval(() => {}, 1000);
  console.log('ready');
`;

test('a Ctrl-C that comes from the terminal and from npm reaches the command once', async () => {
  const { pid, said, exited } = startForeground(COUNTING);
  await waitFor(() => said().includes('ready'), { what: 'the command' });
  process.kill(-pid, 'SIGINT');
  await waitFor(() => said().includes('signal'), { what: 'the first signal' });
  process.kill(pid, 'SIGINT');
  expect(await exited).toBe(41);
});

test('SIGTERM is passed on', async () => {
  const { pid, said, exited } = startForeground(COUNTING.replace('SIGINT', 'SIGTERM'));
  await waitFor(() => said().includes('ready'), { what: 'the command' });
  process.kill(pid, 'SIGTERM');
  expect(await exited).toBe(41);
});

test("the command's exit code is ours, and a command that a signal ended counts as failed", async () => {
  expect(await startForeground('process.exit(7)').exited).toBe(7);
  expect(await startForeground("process.kill(process.pid, 'SIGKILL')").exited).toBe(1);
});

test('npm start leaves no shell between npm and us, which would end by a signal and leave us behind', () => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  expect(scripts.start).toBe('exec node scripts/start.mjs');
});

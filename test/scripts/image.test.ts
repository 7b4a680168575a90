import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeImageRoot } from '../../scripts/image/root.ts';
import { HEAP_FLAGS } from '../../src/runtime/cli/heap-flags.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { closedPort } from '../helpers/ports.ts';
import { waitFor } from '../helpers/wait.ts';
import { imageCommand, innerPid, startInImage, wordsOf } from './image.ts';
import { projectRoot } from './tree.ts';

// It is made of Linux: binaries, libraries, namespaces.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the image', () => {
  let root: string;
  beforeAll(() => {
    root = makeImageRoot(temporaryFolder({ shared: true }));
  }, 60_000);

  const run = async (command: string[], env: Record<string, string> = {}) => {
    const child = startInImage(root, command, env);
    const { code } = await child.exited;
    return { code, stdout: child.stdout.join('\n'), stderr: child.stderr.join('\n') };
  };

  test('has no shell, and nothing in bin but node and outrider', () => {
    expect(readdirSync(join(root, 'usr/local/bin')).sort()).toEqual(['node', 'outrider']);
    for (const folder of ['bin', 'usr/bin', 'sbin', 'usr/sbin']) expect(existsSync(join(root, folder))).toBe(false);
  });

  test('has no package that only development needs', () => {
    const packages = readdirSync(join(root, 'app/node_modules'));
    expect(packages).toContain('undici');
    for (const name of ['jest', 'typescript', '@biomejs', '@swc', 'node']) expect(packages).not.toContain(name);
  });

  test('outrider is a command there, as kubectl exec would call it', async () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
    expect(await run(['/usr/local/bin/outrider', '--version'])).toEqual({ code: 0, stdout: version, stderr: '' });
  });

  test('its entry point takes other commands, and their exit code comes out', async () => {
    expect((await run(imageCommand('--help'))).stdout).toContain('Usage: outrider');
    expect((await run(imageCommand('validate', '/nowhere'))).code).toBe(64);
  });

  test('runs as its own user, which may write to its state and to nothing of Outrider', async () => {
    const script =
      "const fs = require('node:fs'); const may = (path) => { try { fs.accessSync(path, 2); return path; } catch { return ''; } };" +
      "console.log(process.getuid(), ['/app', '/app/dist/outrider.js', '/etc', '/var/lib/outrider', '/tmp'].map(may).join(' ').trim())";
    const asRoot = process.getuid?.() === 0;
    const { stdout } = await run(['/usr/local/bin/node', '-e', script]);
    if (asRoot) expect(stdout).toBe('10001 /var/lib/outrider /tmp');
    expect(statSync(join(root, 'var/lib/outrider')).mode & 0o777).toBe(0o775);
  });

  test('has the CA certificates that targets with TLS are checked by', () => {
    const bundle = readFileSync(join(root, 'etc/ssl/certs/ca-certificates.crt'), 'utf8');
    expect(bundle.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(100);
  });

  test.each([
    ['its entry point', imageCommand(), imageCommand()],
    ['outrider', ['outrider'], ['/usr/local/bin/node', ...HEAP_FLAGS, '/usr/local/bin/outrider']],
  ])(
    '%s alone runs the ambassador as process 1, with the flags of its heap, and SIGTERM ends it with code 0',
    async (_, command, words) => {
      const [port, metricsPort, adminPort] = [await closedPort(), await closedPort(), await closedPort()];
      mkdirSync(join(root, 'etc/outrider'), { recursive: true });
      const config = [
        `listeners: [{name: ambassador, address: "127.0.0.1:${port}"}]`,
        `metrics: {address: "127.0.0.1:${metricsPort}"}`,
        `admin: {address: "127.0.0.1:${adminPort}"}`,
        'spool: {path: /var/lib/outrider/spool}',
        'targets: {down: "http://127.0.0.1:9"}',
        'default: down',
      ];
      writeFileSync(join(root, 'etc/outrider/outrider.yaml'), config.slice(0, 4).join('\n'));
      writeFileSync(join(root, 'etc/outrider/routes.yaml'), config.slice(4).join('\n'));
      const child = startInImage(root, command);
      cleanUp(() => void child.process.kill('SIGKILL'));
      const said = () => [...child.stdout, ...child.stderr].join('\n');
      const answer = await waitFor(
        async () => {
          if (child.exit !== null) return said();
          return fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
        },
        { what: 'an answer from the image' },
      );
      if (typeof answer === 'string') throw new Error(`it ended: ${answer}`);
      expect([answer.status, answer.headers.has('outrider-record')]).toEqual([502, true]);
      // The entry point word for word: it did not begin anew. The command did, in place.
      expect(wordsOf(innerPid(child))).toEqual(words);
      process.kill(innerPid(child), 'SIGTERM');
      expect(await child.exited).toEqual({ code: 0, signal: null });
    },
    30_000,
  );
});

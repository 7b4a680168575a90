import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedFile } from '../dispatch/fixtures.ts';
import { startChild } from '../helpers/child.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { startTarget, type Target } from '../helpers/node-target.ts';
import { closedPort } from '../helpers/ports.ts';
import { curl, describeWithNginx, startEnricher, untilOpen } from './nginx.ts';

const ENTRY = join(import.meta.dirname, '../../src/outrider.ts');
const EXAMPLE = join(import.meta.dirname, '../../example/switching/dispatcher/sidecar_config.yaml');

/** The dispatcher's configuration as its users have it: ours to switch from, and the published one where it is. */
const CONFIGS: { name: string; yaml: string; host?: string }[] = [
  { name: 'the example to switch from', yaml: readFileSync(EXAMPLE, 'utf8'), host: 'example.com' },
];
const predecessors = sharedFile('PREDECESSORS.md');
if (predecessors !== null) {
  const [, yaml = ''] = /```yaml\n(key: environment\n[\s\S]*?)```/.exec(readFileSync(predecessors, 'utf8')) ?? [];
  CONFIGS.push({ name: 'the published one', yaml });
}

interface Deployment {
  readonly url: string;
  readonly qa: Target;
  readonly dev: Target;
  readonly fallback: Target;
}

const destination = (): Promise<Target> =>
  startTarget((received, response) => {
    response.writeHead(200, { destination_app: 'ok', 'content-type': 'text/plain' });
    response.end(`${received.method} ${received.uri}`);
  });

/** The image alone, with the older environment; nginx in front; a target for each destination. */
async function deploy(yaml: string): Promise<Deployment> {
  const [qa, dev, fallback] = [await destination(), await destination(), await destination()];
  const folder = temporaryFolder();
  const config = join(folder, 'sidecar_config.yaml');
  const pointed = yaml
    .replace('http://dev.example.com', dev.url)
    .replace('http://qa.example.com', qa.url)
    .replace('http://example.com/default', `${fallback.url}/default`);
  expect(pointed).not.toMatch(/destination: http:\/\/[a-z.]*example\.com/);
  writeFileSync(config, pointed);
  const port = await closedPort();
  const env = { SIDECAR_CONFIG: config, SIDECAR_PORT: String(port), SIDECAR_LOGGING_LEVEL: 'ERROR' };
  const child = startChild(process.execPath, [ENTRY], { cwd: folder, env: { PATH: process.env.PATH ?? '', ...env } });
  cleanUp(async () => {
    child.process.kill('SIGTERM');
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });
  await untilOpen(port, () => (child.exit === null ? '' : [...child.stdout, ...child.stderr].join('\n')));
  return { url: await startEnricher(port), qa, dev, fallback };
}

describeWithNginx('in place of the older dispatcher, behind nginx', () => {
  test.each(CONFIGS)(
    '$name: the environment header picks the destination and its headers',
    async ({ yaml, host }) => {
      const { url, qa, dev, fallback } = await deploy(yaml);
      // More than one: localhost is 127.0.0.1 and ::1, and nginx takes turns.
      for (let n = 0; n < 4; n += 1) {
        const { code, stdout } = await curl([
          '-m',
          '5',
          '-i',
          '--fail',
          '-H',
          'environment: qa',
          `${url}/orders?n=${n}`,
        ]);
        expect(code).toBe(0);
        expect(stdout).toMatch(/^destination_app: ok\r$/m);
        expect(stdout).toContain(`GET /orders?n=${n}`);
      }
      expect(qa.requests).toHaveLength(4);
      expect(qa.last().headers).toMatchObject({
        host1a: 'qa',
        dispatched: 'True',
        environment: 'qa',
        enriched: 'true',
        'x-real-ip': '127.0.0.1',
        host: host ?? '127.0.0.1',
      });
      expect(qa.last().headers['x-forwarded-for']).toMatch(/^(127\.0\.0\.1|::1)$/);
      await curl(['-m', '5', '--fail', '-H', 'environment: dev', `${url}/`]);
      expect(dev.last().headers).toMatchObject({ host1a: 'dev', dispatched: 'True', host: '127.0.0.1' });
      expect([qa.requests.length, dev.requests.length, fallback.requests.length]).toEqual([4, 1, 0]);
    },
    60_000,
  );

  test.each(CONFIGS)(
    '$name: without the header, or with another value, the default gets it',
    async ({ yaml }) => {
      const { url, qa, dev, fallback } = await deploy(yaml);
      expect((await curl(['-m', '5', '--fail', `${url}/orders?n=1`])).code).toBe(0);
      expect(fallback.last().uri).toBe('/default/orders?n=1');
      expect((await curl(['-m', '5', '--fail', '-H', 'environment: staging', `${url}/`])).code).toBe(0);
      expect(fallback.requests).toHaveLength(2);
      expect(fallback.requests.flatMap(({ headers }) => headers.host1a ?? headers.dispatched ?? [])).toEqual([]);
      expect([qa.requests.length, dev.requests.length]).toEqual([0, 0]);
    },
    60_000,
  );

  test('curl --fail fails when the destination is away, and a body sent by POST arrives whole', async () => {
    const [config] = CONFIGS;
    const { url, qa, fallback } = await deploy(config?.yaml ?? '');
    await qa.stop();
    const { code, stdout } = await curl([
      '-m',
      '5',
      '--fail',
      '-H',
      'environment: qa',
      '-w',
      '%{http_code}',
      `${url}/`,
    ]);
    expect([code, stdout]).toEqual([22, '502']);
    expect((await curl(['-m', '5', '--fail', '-d', 'a=1&b=2', `${url}/`])).code).toBe(0);
    expect(String(fallback.last().body)).toBe('a=1&b=2');
  }, 60_000);
});

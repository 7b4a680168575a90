import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import type { Bench, Contender } from '../../bench/contender.ts';
import { prepareBare, prepareExpress } from '../../bench/contenders/node-peers.ts';
import { shippedEnv, shippedFlags } from '../../bench/contenders/outrider.ts';
import { cleanUp, temporaryFolder } from '../helpers/cleanup.ts';
import { portOf } from '../helpers/ports.ts';

const root = join(import.meta.dirname, '../..');

function bench(): Bench {
  return {
    folder: temporaryFolder(),
    cache: temporaryFolder(),
    root,
    frozen: join(root, 'dist.none'),
    cores: { proxy: '0', load: '0', all: '0' },
  };
}

/** What a proxy makes of two requests: one with the header that it dispatches on, one without. */
async function dispatch(contender: Contender): Promise<{ seen: IncomingHttpHeaders; answer: string; without: number }> {
  let seen: IncomingHttpHeaders = {};
  const target = createServer((request, response) => {
    seen = request.headers;
    request.pipe(response);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => target.once('listening', resolve));
  const running = await contender.start({ targetUrl: `http://127.0.0.1:${portOf(target)}`, cores: '0' });
  cleanUp(async () => {
    await running.stop();
    target.closeAllConnections();
    target.close();
  });
  const post = { method: 'POST', body: 'hello' };
  const answer = await fetch(running.url, { ...post, headers: { environment: 'qa' } });
  return { seen, answer: await answer.text(), without: (await fetch(running.url, post)).status };
}

test.each([
  ['express', prepareExpress],
  ['bare', prepareBare],
])('%s dispatches on the header, adds a field, and passes the body', async (_name, prepare) => {
  const { seen, answer, without } = await dispatch(prepare(bench()));
  expect(seen['x-added']).toBe('by-the-proxy');
  expect(answer).toBe('hello');
  expect(without).toBe(404);
});

test('the flags are those that the image ships, without the script', () => {
  const dockerfile = 'FROM scratch\nENTRYPOINT ["/bin/node", "--a=1", "--b", "/app/dist/outrider.js"]\nCMD ["run"]\n';
  expect(shippedFlags(dockerfile)).toEqual(['--a=1', '--b']);
  expect(shippedEnv('ENV MALLOC_ARENA_MAX=1\nENV NODE_ENV=production\n')).toEqual({ MALLOC_ARENA_MAX: '1' });
  expect(() => shippedFlags('FROM scratch\nENTRYPOINT node x.js\n')).toThrow('no ENTRYPOINT');
});

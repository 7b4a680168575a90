import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { startTarget } from '../helpers/node-target.ts';
import { startOutrider } from '../helpers/outrider.ts';
import { waitFor } from '../helpers/wait.ts';

test('a link that is planted among the secrets opens nothing else of the disk', async () => {
  const [secrets, elsewhere] = [temporaryFolder(), temporaryFolder()];
  mkdirSync(join(secrets, '..v1'));
  writeFileSync(join(secrets, '..v1', 'token'), 'good-value');
  symlinkSync('..v1', join(secrets, '..data'));
  symlinkSync('..data/token', join(secrets, 'token'));
  writeFileSync(join(elsewhere, 'private'), 'stolen-value');
  symlinkSync(join(elsewhere, 'private'), join(secrets, 'planted'));
  const target = await startTarget();
  const set = (name: string) => ({ headers: { set: { 'x-value': `$\{file:${secrets}/${name}}` } } });
  const outrider = await startOutrider({
    outrider: { templates: { files: [`${secrets}/*`] } },
    routes: {
      targets: { prod: target.url },
      default: 'prod',
      rules: [
        { name: 'planted', match: { paths: ['/planted'] }, target: 'prod', request: set('planted') },
        { name: 'token', target: 'prod', request: set('token') },
      ],
    },
  });
  expect((await fetch(`${outrider.url}/`)).status).toBe(200);
  expect(target.last().headers['x-value']).toBe('good-value');
  expect((await fetch(`${outrider.url}/planted`)).status).toBe(502);
  expect(target.requests).toHaveLength(1);

  // The good one is swapped for a link out: its last value stays, the other file is never read.
  rmSync(join(secrets, 'token'));
  symlinkSync(join(elsewhere, 'private'), join(secrets, 'token'));
  const swappedAt = Date.now();
  await waitFor(
    async () => {
      await (await fetch(`${outrider.url}/`)).text();
      return Date.now() - swappedAt > 1500;
    },
    { what: 'the file to be looked at again' },
  );
  expect(new Set(target.requests.map(({ headers }) => headers['x-value']))).toEqual(new Set(['good-value']));
  expect(JSON.stringify([outrider.logs, await outrider.records()])).not.toContain('stolen-value');
});

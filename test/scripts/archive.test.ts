import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeArchive } from '../../scripts/image/archive.ts';
import { imageConfig, packageVersion } from '../../scripts/image/outrider.ts';
import { HEAP_FLAGS } from '../../src/runtime/cli/heap-flags.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';

function makeRoot(second: number): string {
  const root = temporaryFolder();
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  mkdirSync(join(root, 'var/lib/own'), { recursive: true });
  writeFileSync(join(root, 'usr/bin/program'), 'program');
  chmodSync(join(root, 'usr/bin/program'), 0o755);
  symlinkSync('program', join(root, 'usr/bin/alias'));
  utimesSync(join(root, 'usr/bin/program'), second, second);
  return root;
}

function archiveOf(root: string): { folder: string; file: string; digest: string } {
  const folder = temporaryFolder();
  const file = join(folder, 'image.tar');
  const owners = [{ path: 'var/lib/own', uid: 10001, gid: 0 }];
  const config = { Entrypoint: ['/usr/bin/program'] };
  const digest = writeArchive({ name: 'made:1', root, config, owners, work: folder, output: file });
  execFileSync('tar', ['-xf', file, '-C', folder]);
  return { folder, file, digest };
}

const readJson = (folder: string, path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'));
const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`;

test('the same files give the same archive, whenever they were made', () => {
  const [one, other] = [archiveOf(makeRoot(1)), archiveOf(makeRoot(2))];
  expect(other.digest).toBe(one.digest);
  expect(readFileSync(other.file).equals(readFileSync(one.file))).toBe(true);
});

test('every blob has the digest that is its name, and OCI and docker find the same layer', () => {
  const { folder, digest } = archiveOf(makeRoot(1));
  const [entry] = readJson(folder, 'index.json').manifests;
  expect(entry.digest).toBe(digest);
  expect(entry.annotations['io.containerd.image.name']).toBe('docker.io/library/made:1');
  const manifest = readJson(folder, blob(digest));
  const config = readJson(folder, blob(manifest.config.digest));
  const layer = manifest.layers[0].digest;
  expect(config.rootfs.diff_ids).toEqual([layer]);
  expect(readJson(folder, 'manifest.json')[0]).toMatchObject({ RepoTags: ['made:1'], Layers: [blob(layer)] });
  for (const named of [digest, manifest.config.digest, layer]) {
    const bytes = readFileSync(join(folder, blob(named)));
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(named);
  }
});

test("root owns what is in it, but what is said to be another owner's", () => {
  const { folder, digest } = archiveOf(makeRoot(1));
  const layer = join(folder, blob(readJson(folder, blob(digest)).layers[0].digest));
  const list = execFileSync('tar', ['--numeric-owner', '-tvf', layer], { encoding: 'utf8' });
  expect(list).toMatch(/^-rwxr-xr-x 0\/0 .* \.\/usr\/bin\/program$/m);
  expect(list).toMatch(/^lrwxrwxrwx 0\/0 .* \.\/usr\/bin\/alias -> program$/m);
  expect(list).toMatch(/^drwxr-xr-x 10001\/0 .* \.\/var\/lib\/own\/$/m);
  expect(list.match(/var\/lib\/own/g)).toHaveLength(1);
});

test('the archive is set up as the Dockerfile says', () => {
  const config = imageConfig();
  expect(config).toMatchObject({
    Entrypoint: ['/usr/local/bin/node', ...HEAP_FLAGS, '/app/dist/outrider.js'],
    Cmd: ['run'],
    User: '10001:10001',
    WorkingDir: '/var/lib/outrider',
    StopSignal: 'SIGTERM',
    ExposedPorts: { '5000/tcp': {}, '5090/tcp': {}, '5091/tcp': {} },
  });
  expect(config.Env).toEqual(expect.arrayContaining(['NODE_ENV=production', 'MALLOC_ARENA_MAX=1']));
  expect(config.Labels?.['org.opencontainers.image.version']).toBe(packageVersion());
  expect(config.Labels?.['org.opencontainers.image.revision']).not.toContain('$');
});

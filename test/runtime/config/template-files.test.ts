import { linkSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TemplateFiles } from '../../../src/runtime/config/template-files.ts';
import type { ProcessSettings } from '../../../src/settings.ts';
import { temporaryFolder } from '../../helpers/cleanup.ts';
import { load, plainRoutes } from './config-files.ts';

const folder = (): string => realpathSync(temporaryFolder());

function settings(process: Record<string, unknown>): ProcessSettings {
  return load({ 'outrider.yaml': JSON.stringify(process), 'routes.yaml': plainRoutes }).settings.process;
}

/** A folder of secrets as Kubernetes makes it: entries are links into a folder that is swapped as a whole. */
function kubernetesSecret(): string {
  const secrets = folder();
  mkdirSync(join(secrets, '..2026_11_28'));
  writeFileSync(join(secrets, '..2026_11_28', 'token'), 't');
  symlinkSync('..2026_11_28', join(secrets, '..data'));
  symlinkSync('..data/token', join(secrets, 'token'));
  return secrets;
}

test('the links of a Secret are followed, for they stay in its folder', () => {
  const secrets = kubernetesSecret();
  const files = new TemplateFiles(settings({ templates: { files: [`${secrets}/*`] } }));
  expect(files.resolve(join(secrets, 'token'))).toBe(join(secrets, '..2026_11_28', 'token'));
});

test('the folder itself may be reached by a link, as /var/run is in most images', () => {
  const secrets = kubernetesSecret();
  const link = join(folder(), 'secrets');
  symlinkSync(secrets, link);
  for (const glob of [`${link}/*`, `${link}/token`]) {
    const files = new TemplateFiles(settings({ templates: { files: [glob] } }));
    expect(files.resolve(join(link, 'token'))).toBe(join(secrets, '..2026_11_28', 'token'));
  }
});

test.each([
  ['an absolute link', (target: string) => target],
  ['a relative one', (target: string, secrets: string) => join(...secrets.split('/').map(() => '..'), target)],
])('%s out of the folder is not followed', (_, to) => {
  const [secrets, other] = [folder(), folder()];
  writeFileSync(join(other, 'file'), 's');
  symlinkSync(to(join(other, 'file'), secrets), join(secrets, 'evil'));
  const files = new TemplateFiles(settings({ templates: { files: [`${secrets}/*`] } }));
  expect(() => files.resolve(join(secrets, 'evil'))).toThrow('leads to a file that templates do not read');
});

test('a folder below that leads out is not followed either, nor a sibling whose name begins the same', () => {
  const [secrets, other] = [folder(), folder()];
  writeFileSync(join(other, 'file'), 's');
  symlinkSync(other, join(secrets, 'sub'));
  mkdirSync(`${secrets}-more`);
  writeFileSync(join(`${secrets}-more`, 'file'), 's');
  symlinkSync(join(`${secrets}-more`, 'file'), join(secrets, 'sibling'));
  const files = new TemplateFiles(settings({ templates: { files: [`${secrets}/*/file`, `${secrets}/sibling`] } }));
  expect(() => files.resolve(join(secrets, 'sub', 'file'))).toThrow(RangeError);
  expect(() => files.resolve(join(secrets, 'sibling'))).toThrow(RangeError);
  rmSync(`${secrets}-more`, { recursive: true });
});

test('dot segments do not lead out', () => {
  const secrets = kubernetesSecret();
  const files = new TemplateFiles(settings({ templates: { files: [`${secrets}/*`] } }));
  for (const path of [`${secrets}/../../etc/passwd`, `${secrets}/..`, `${secrets}/../${'etc'}/passwd`, '/etc/passwd']) {
    expect(() => files.resolve(path)).toThrow();
  }
});

test.each([
  ['the key of the spool', 'key', (s: string) => ({ spool: { keyFile: join(s, 'secret') } })],
  ['what is in the spool', 'spool/spool.db', (s: string) => ({ spool: { path: join(s, 'spool') } })],
  [
    "Kafka's password",
    'p',
    (s: string) => ({ kafka: { sasl: { mechanism: 'plain', username: 'u', passwordFile: join(s, 'secret') } } }),
  ],
  ['an admin token', 't', (s: string) => ({ admin: { tokens: { read: join(s, 'secret') } } })],
  [
    'what callers have to show',
    'c',
    (s: string) => ({
      listeners: [{ name: 'a', address: 'localhost:1', auth: { bearer: { file: join(s, 'secret') } } }],
    }),
  ],
])('%s is not read by a link, even in an allowed folder', (_, name, more) => {
  const secrets = folder();
  mkdirSync(join(secrets, 'spool'));
  const secret = name.includes('/') ? join(secrets, name) : join(secrets, 'secret');
  writeFileSync(secret, 's');
  symlinkSync(secret, join(secrets, 'link'));
  const files = new TemplateFiles(settings({ templates: { files: [`${secrets}/*`] }, ...more(secrets) }));
  expect(() => files.resolve(join(secrets, 'link'))).toThrow(RangeError);
});

test("the pod's own tokens are never read, wherever a link to them is allowed", () => {
  const root = folder();
  const tokens = join(root, 'secrets', 'kubernetes.io', 'serviceaccount');
  mkdirSync(tokens, { recursive: true });
  writeFileSync(join(tokens, 'token'), 's');
  symlinkSync(join(tokens, 'token'), join(root, 'link'));
  const files = new TemplateFiles(settings({ templates: { files: [`${root}/*`] } }));
  expect(() => files.resolve(join(root, 'link'))).toThrow(RangeError);
  linkSync(join(tokens, 'token'), join(root, 'copy'));
  expect(files.resolve(join(root, 'copy'))).toBe(join(root, 'copy'));
});

test('a file that is not there is the error of the system, so that it is looked for again', () => {
  const secrets = folder();
  const files = new TemplateFiles(settings({ templates: { files: [`${secrets}/*`] } }));
  expect(() => files.resolve(join(secrets, 'none'))).toThrow('ENOENT');
});

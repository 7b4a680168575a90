import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CONVERTIBLE } from '../../src/runtime/cli/convertible.ts';
import { startChild } from '../helpers/child.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { type Demo, projectRoot, startDemo, startOutriderCommand } from '../helpers/demo.ts';
import { type Block, missingLines, outputAfter, readBlocks } from './blocks.ts';

/** What a block may need that this suite doesn't have, and who runs it then. */
const NEEDS = ['clone', 'cluster', 'docker', 'kafka'];

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs'), ...markdownIn('example')];

function markdownIn(folder: string): string[] {
  if (!existsSync(join(projectRoot, folder))) return [];
  const names = readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

/** The folder itself, which is one configuration, and every file of its subfolders. */
function configsIn(folder: string): string[] {
  const names = readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.yaml'));
  const loose = files.filter((name) => folder !== 'example' || name.includes('/')).map((name) => join(folder, name));
  return folder === 'example' ? [folder, ...loose.sort()] : loose.sort();
}

function blocksOf(page: string): Block[] {
  return readBlocks(readFileSync(join(projectRoot, page), 'utf8'));
}

/** Title and everything a test needs of each block of a language. */
function casesOf(language: string) {
  return pages.flatMap((page) => {
    const blocks = blocksOf(page);
    const wanted = blocks.filter((block) => block.language === language);
    return wanted.map((block) => ({ title: `${page}:${block.line}`, page, block, output: outputAfter(blocks, block) }));
  });
}

const commands = casesOf('sh');
const runnable = commands.filter(({ block }) => block.needs === '');

describe('commands of the documentation', () => {
  let demo: Demo;
  beforeAll(async () => {
    demo = await startDemo({ shared: true });
    prepareFolder(demo.dir);
  }, 30_000);

  test.each(runnable)('$title does what it says', async ({ block, output }) => {
    const { code, printed } = await runScript(demo, block.text);
    expect({ code, missing: missingLines(onPortsOf(demo, output), printed), printed }).toEqual({
      code: 0,
      missing: [],
      printed,
    });
  });

  test('npm start prints what the README shows', () => {
    const start = commands.find(({ block }) => block.text.includes('npm start'));
    const shown = onPortsOf(demo, start?.output ?? '').replace('example/routes.yaml', '…/routes.yaml');
    expect(shown).toContain('curl');
    expect(missingLines(shown, demo.child.stdout.join('\n'))).toEqual([]);
  });
});

test('a block that is not run here says what it needs', () => {
  for (const { block } of commands.filter(({ block }) => block.needs !== '')) expect(NEEDS).toContain(block.needs);
  expect(runnable.length).toBeGreaterThan(2);
});

test.each(casesOf('yaml'))('the configuration at $title is valid', async ({ block }) => {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'outrider.yaml'), block.text);
  const child = startOutriderCommand(['validate', 'outrider.yaml'], dir);
  const { code } = await child.exited;
  expect({ code, stderr: child.stderr }).toEqual({ code: 0, stderr: [] });
});

test.each(configsIn('example'))('%s is valid, and its own tests pass', async (path) => {
  for (const command of ['validate', 'test']) {
    const child = startOutriderCommand([command, path], projectRoot);
    const { code } = await child.exited;
    expect({ command, code, stderr: child.stderr }).toEqual({ command, code: 0, stderr: [] });
  }
});

test('there is a configuration for each system that Outrider takes the place of', () => {
  const names = configsIn('example/switching').map((path) => basename(path, '.yaml'));
  expect(names).toEqual(expect.arrayContaining([...CONVERTIBLE]));
});

test.each(pages)('links of %s lead somewhere', (page) => {
  const text = readFileSync(join(projectRoot, page), 'utf8').replace(/```[\s\S]*?```/g, '');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, path = '']) => path);
  expect(links.filter((path) => !existsSync(join(projectRoot, dirname(page), path)))).toEqual([]);
});

/** What a person would have around them: the examples, and outrider as a command. */
function prepareFolder(dir: string): void {
  cpSync(join(projectRoot, 'example'), join(dir, 'example'), { recursive: true });
  mkdirSync(join(dir, 'bin'));
  const flags = '--disable-warning=ExperimentalWarning';
  const command = `#!/bin/sh\nexec ${process.execPath} ${flags} ${join(projectRoot, 'src/outrider.ts')} "$@"\n`;
  writeFileSync(join(dir, 'bin/outrider'), command, { mode: 0o755 });
}

async function runScript({ dir, ports }: Demo, script: string): Promise<{ code: number | null; printed: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const text = onPortsOf({ ports }, script);
  const env = { PATH: `${join(dir, 'bin')}:${PATH}`, HOME };
  const child = startChild('bash', ['-euo', 'pipefail', '-c', text], { cwd: dir, env });
  const { code } = await child.exited;
  return { code, printed: [...child.stdout, ...child.stderr].join('\n') };
}

/** The documentation names the ports of `example/`; the demo of this suite has others. */
function onPortsOf({ ports }: Pick<Demo, 'ports'>, text: string): string {
  const admin = `--admin http://localhost:${ports.adminPort}`;
  return text
    .replaceAll('localhost:5000', `localhost:${ports.port}`)
    .replaceAll('localhost:5090', `localhost:${ports.metricsPort}`)
    .replaceAll('localhost:5091', `localhost:${ports.adminPort}`)
    .replace(/\boutrider (records|ledger)\b/g, `outrider $1 ${admin}`);
}

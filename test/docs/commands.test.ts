import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CONVERTIBLE } from '../../src/runtime/cli/convertible.ts';
import { startChild } from '../helpers/child.ts';
import { temporaryFolder } from '../helpers/cleanup.ts';
import { outrider } from '../helpers/cli.ts';
import { type Demo, projectRoot, startDemo } from '../helpers/demo.ts';
import { type Block, missingLines, outputAfter, readBlocks } from './blocks.ts';

/** What a block may need that this suite doesn't have, and who runs it then. */
const NEEDS = ['clone', 'cluster', 'docker', 'kafka'];

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...['docs', 'deploy', 'example'].flatMap(markdownIn)];

function markdownIn(folder: string): string[] {
  if (!existsSync(join(projectRoot, folder))) return [];
  const names = readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

/** Our configurations below `example`: folders of two files, and single files beside what they were made from. */
function configsInExample(): string[] {
  const names = readdirSync(join(projectRoot, 'example'), { recursive: true, encoding: 'utf8' });
  const ours = names.filter((name) => basename(name) === 'outrider.yaml').map((name) => join('example', name));
  return ours
    .map((path) => (existsSync(join(projectRoot, dirname(path), 'routes.yaml')) ? dirname(path) : path))
    .sort();
}

/** `NAME=value` lines. */
function readVariables(file: string): Record<string, string> {
  const lines = readFileSync(join(projectRoot, file), 'utf8').split('\n');
  return Object.fromEntries(lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s)));
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

// Values of the chart are rendered by test/chart/docs.test.ts.
test.each(casesOf('yaml').filter(({ block }) => block.needs === ''))(
  'the configuration at $title is valid',
  async ({ block }) => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'outrider.yaml'), block.text);
    // A piece about something else has no routes: they come from the environment then.
    const env: Record<string, string> = /^default:/m.test(block.text) ? {} : { BACKEND_URL: 'http://backend:3000' };
    const { code, stderr } = await outrider(['validate', 'outrider.yaml'], { cwd: dir, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  },
);

test.each(configsInExample())('%s is valid, and its own tests pass', async (path) => {
  for (const command of ['validate', 'test']) {
    const { code, stderr } = await outrider([command, path], { cwd: projectRoot });
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' });
  }
});

test('there is a configuration for each system that Outrider takes the place of', () => {
  const names = configsInExample().map((path) => basename(dirname(path)));
  expect(names).toEqual(expect.arrayContaining([...CONVERTIBLE]));
});

test.each([
  ['dispatcher', { SIDECAR_CONFIG: 'example/switching/dispatcher/sidecar_config.yaml', SIDECAR_PORT: '5055' }],
  ['interceptor', readVariables('example/switching/interceptor/interceptor.env')],
  ['data-saver', readVariables('example/switching/data-saver/data-saver.env')],
])('the environment of the %s is enough', async (_, env) => {
  const { code, stdout } = await outrider(['validate'], { cwd: projectRoot, env });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^valid: /) });
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
  const child = startChild('bash', ['--norc', '-euo', 'pipefail', '-c', text], { cwd: dir, env });
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

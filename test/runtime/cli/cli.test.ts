import { readFileSync } from 'node:fs';
import { runCli } from '../../../src/runtime/cli/cli.ts';
import { memoryContext, outrider } from '../../helpers/cli.ts';

const LATER = ['check', 'routes', 'replay', 'status', 'top', 'worker'];

/** Tells on stderr the URL of every module that is loaded. */
const TELL_IMPORTS = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    process._rawDebug('LOADED ' + resolved.url);
    return resolved;
  } });`)}`;

describe('outrider --help', () => {
  test('ends with 0 and shows the commands, examples and exit codes', async () => {
    const { code, stdout } = await outrider(['--help']);
    expect(code).toBe(0);
    for (const command of ['run', 'demo', 'validate', 'explain', 'test', 'convert', 'records', 'ledger']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
    }
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain('Exit codes: 0, 1 (it failed), 64');
  });

  test('loads no package but commander, and no database', async () => {
    const { code, stderr } = await outrider(['--help'], { nodeArgs: [TELL_IMPORTS] });
    expect(code).toBe(0);
    const loaded = stderr.split('\n').flatMap((line) => /LOADED (\S+)/.exec(line)?.[1] ?? []);
    const packages = loaded.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    expect([...new Set(packages)]).toEqual(['commander']);
    expect(loaded.filter((url) => /sqlite|worker_threads|node:https?$/.test(url))).toEqual([]);
    expect(loaded.some((url) => url.endsWith('/program.ts'))).toBe(true);
  });

  test('writes no colour where standard output is no terminal', async () => {
    expect((await outrider(['--help'])).stdout).not.toContain('\u001b');
  });
});

test('--version tells the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  const context = memoryContext();
  expect(await runCli(['--version'], context)).toBe(0);
  expect(context.lines).toEqual([version]);
});

describe('a wrong command line', () => {
  const wrong: [string, string[], RegExp][] = [
    [
      'an unknown command, with the one that was meant',
      ['valdate'],
      /unknown command 'valdate'\n\(Did you mean validate\?\)/,
    ],
    [
      'an unknown option, with the one that was meant',
      ['validate', '--confg', 'x'],
      /unknown option '--confg'\n\(Did you mean --config\?\)/,
    ],
    ['an unknown option without a command', ['--confg', 'x'], /unknown option '--confg'/],
    ['one argument too many', ['validate', 'a', 'b'], /too many arguments/],
    ['a missing argument', ['explain'], /missing required argument 'url'/],
    ['an option without its value', ['validate', '--config'], /argument missing/],
    [
      'a system that cannot be converted from',
      ['convert', '--from', 'envoy'],
      /Allowed choices are dispatcher, interceptor/,
    ],
    ['convert without a system', ['convert'], /required option '--from <system>' not specified/],
    ['a limit that is no number', ['records', '--limit', '1e2'], /a whole number from 1 to 1000/],
  ];

  test.each(wrong)('is told and ends with 64: %s', async (_title, args, message) => {
    const context = memoryContext();
    expect(await runCli(args, context)).toBe(64);
    expect(context.errors.join('\n')).toMatch(message);
    expect(context.errors.join('\n')).not.toContain('    at ');
    expect(context.lines).toEqual([]);
  });
});

test.each(LATER)('%s is not in this version: one line, 64, whatever follows it', async (name) => {
  const context = memoryContext();
  expect(await runCli([name, '--what', 'ever', '-n', 'default', '--help'], context)).toBe(64);
  expect(context.errors).toEqual([`outrider ${name}: not in this version`]);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../../src/runtime/cli/cli.ts';
import { temporaryFolder } from '../../helpers/cleanup.ts';
import { memoryContext, outrider } from '../../helpers/cli.ts';

const DISPATCHER = `key: environment
rewrites:
  qa:
    patch: [{key: Host1a, val: qa}, {key: dispatched, val: true}]
    destination: http://qa.example.com
destination: http://example.com/default
`;

function file(text: string): string {
  const path = join(temporaryFolder(), 'older.yaml');
  writeFileSync(path, text);
  return path;
}

describe('outrider convert', () => {
  test('what it prints routes as the older file does, without further work', async () => {
    const context = memoryContext();
    expect(await runCli(['convert', '--from', 'dispatcher', file(DISPATCHER)], context)).toBe(0);
    expect(context.errors).toEqual([]);
    const converted = file(`${context.lines.join('\n')}\n`);
    for (const [environment, target] of [
      ['qa', 'http://qa.example.com/x'],
      ['none', 'http://example.com/default/x'],
    ]) {
      const explained = memoryContext();
      const words = ['explain', '-c', converted, '-H', `environment: ${environment}`, '/x', '--json'];
      expect(await runCli(words, explained)).toBe(0);
      expect(JSON.parse(explained.lines.join('\n')).urls).toEqual([target]);
    }
  });

  test('reads standard input for -', async () => {
    const { code, stdout, stderr } = await outrider(['convert', '--from', 'dispatcher', '-'], { input: DISPATCHER });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('http://qa.example.com');
  });

  test('takes variables alone for a system that had no file', async () => {
    const context = memoryContext({ BACKEND_URL: 'http://api:3000', KAFKA_BROKER: 'kafka:9092' });
    expect(await runCli(['convert', '--from', 'interceptor'], context)).toBe(0);
    expect(context.lines.join('\n')).toMatch(/http:\/\/api:3000[\s\S]*/);
    expect(context.lines.join('\n')).toContain('kafka:9092');
  });

  test.each([
    ['no file where one is needed', ['dispatcher'], /^outrider: convert --from dispatcher: name its file, or -/],
    [
      'a file that is not there',
      ['proxy', '/nowhere/a.yaml'],
      /^outrider: \/nowhere\/a.yaml can't be read \(ENOENT\)$/,
    ],
  ])('%s is one line, and 64', async (_what, [from = '', ...rest], message) => {
    const context = memoryContext();
    expect(await runCli(['convert', '--from', from, ...rest], context)).toBe(64);
    expect(context.errors).toHaveLength(1);
    expect(context.errors[0]).toMatch(message);
  });

  test('mistakes are told under the name of the file, with their place, and 64', async () => {
    const path = file('key: environment\nrewrites: {}\ndestination: 7\n');
    const context = memoryContext();
    expect(await runCli(['convert', '--from', 'dispatcher', path], context)).toBe(64);
    expect(context.errors[0]).toMatch(new RegExp(`^${path}:3:14: `));
    expect(context.lines).toEqual([]);
  });
});

import { join } from 'node:path';
import { runCli } from '../../../src/runtime/cli/cli.ts';
import { memoryContext, outrider } from '../../helpers/cli.ts';
import { configFolder } from '../../helpers/config-folder.ts';

const GOOD = {
  'outrider.yaml': 'apiVersion: outrider.dev/v1\nlisteners:\n  - {name: a, address: localhost:0}\n',
  'routes.yaml': [
    'targets:',
    '  prod: http://prod.test',
    '  qa: http://qa.test',
    'rules:',
    '  - name: qa',
    '    match: {headers: {environment: qa}}',
    '    target: qa',
    'default: prod',
    '',
  ].join('\n'),
};

const BAD = {
  'outrider.yaml':
    'apiVersion: outrider.dev/v1\nlisteners:\n  - {name: a, address: localhost:0}\nlogg: {level: info}\n',
  'routes.yaml': [
    'targets:',
    '  prod: http://prod.test',
    'rules:',
    '  - name: qa',
    '    match:',
    '      headers: {environment: 7}',
    '    target: prd',
    'default: prod',
    '',
  ].join('\n'),
};

describe('outrider validate', () => {
  test('tells what a good configuration holds, and ends with 0', async () => {
    const context = memoryContext();
    expect(await runCli(['validate', configFolder(GOOD)], context)).toBe(0);
    expect(context.lines).toHaveLength(1);
    expect(context.lines[0]).toMatch(/^valid: .*\(1 listener, 2 targets, 1 rule, 0 tests; hash [0-9a-f]{16}\)$/);
    expect(context.errors).toEqual([]);
  });

  test('tells every mistake of both files at once, each on its own line with its place, and ends with 64', async () => {
    const folder = configFolder(BAD);
    const { code, stdout, stderr } = await outrider(['validate', folder]);
    expect(code).toBe(64);
    expect(stdout).toBe('');
    const lines = stderr.split('\n').filter((line) => line !== '');
    expect(lines).toHaveLength(3);
    const place = (file: string, at: string) => expect.stringMatching(new RegExp(`${file}:${at}: `));
    expect(lines).toEqual(
      expect.arrayContaining([
        place('outrider\\.yaml', '4:1'),
        place('routes\\.yaml', '6:30'),
        place('routes\\.yaml', '7:13'),
      ]),
    );
    expect(stderr).toMatch(/did you mean "?log"?\?/);
    expect(stderr).toMatch(/did you mean "?prod"?\?/);
    expect(stderr).toMatch(/quote it/);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('broken YAML is told with its place', async () => {
    const folder = configFolder({ ...GOOD, 'routes.yaml': 'targets:\n  prod: "http://prod.test\ndefault: prod\n' });
    const context = memoryContext();
    expect(await runCli(['validate', folder], context)).toBe(64);
    expect(context.errors[0]).toMatch(/routes\.yaml:\d+:\d+: /);
  });

  test('a path that is not there is one line, and 64', async () => {
    const context = memoryContext();
    expect(await runCli(['validate', join(configFolder(GOOD), 'nowhere')], context)).toBe(64);
    expect(context.errors).toHaveLength(1);
    expect(context.errors[0]).toContain('nowhere');
  });

  test('takes the path from --config, OUTRIDER_CONFIG or SIDECAR_CONFIG as well', async () => {
    const folder = configFolder(GOOD);
    expect(await runCli(['validate', '--config', folder], memoryContext())).toBe(0);
    expect(await runCli(['validate'], memoryContext({ OUTRIDER_CONFIG: folder }))).toBe(0);
    expect(await runCli(['validate'], memoryContext({ SIDECAR_CONFIG: join(folder, 'no') }))).toBe(64);
  });

  test("reads the older dispatcher's configuration as it is", async () => {
    const folder = configFolder({
      'sidecar_config.yaml': [
        'key: environment',
        'rewrites:',
        '  qa:',
        '    patch: [{key: Host1a, val: qa}, {key: dispatched, val: true}]',
        '    destination: http://qa.example.com',
        'destination: http://example.com/default',
      ].join('\n'),
    });
    const context = memoryContext({ SIDECAR_CONFIG: join(folder, 'sidecar_config.yaml'), SIDECAR_PORT: '5000' });
    expect(await runCli(['validate'], context)).toBe(0);
    expect(context.lines[0]).toMatch(/2 targets, 1 rule/);
  });
});

import { runCli } from '../../../src/runtime/cli/cli.ts';
import { memoryContext } from '../../helpers/cli.ts';
import { configFolder } from '../../helpers/config-folder.ts';

const ROUTES = `
targets:
  prod: http://prod.test/base
  qa:
    urls: [{url: "http://qa-0.test"}, {url: "http://qa-1.test"}]
    request: {headers: {set: {x-env: "\${env:STAGE}"}}}
rules:
  - name: gold
    match: {headers: {x-tier: gold}}
    target: prod
  - name: qa
    match: {methods: [POST], paths: [/api/*], headers: {environment: qa}}
    request: {headers: {set: {host1a: qa}, remove: [x-internal]}, path: {replacePrefix: /v2}}
    target: qa
default: reject
`;

const OUTRIDER = `
apiVersion: outrider.dev/v1
listeners: [{name: a, address: "localhost:0"}, {name: b, address: "localhost:0", target: prod}]
templates: {env: [STAGE]}
`;

async function explain(...args: string[]): Promise<{ code: number; lines: string[]; errors: string[] }> {
  const folder = configFolder({ 'outrider.yaml': OUTRIDER, 'routes.yaml': ROUTES });
  const context = memoryContext({ STAGE: 's3cret' });
  const code = await runCli(['explain', '--config', folder, ...args], context);
  return { code, lines: context.lines, errors: context.errors };
}

describe('outrider explain', () => {
  const request = ['-X', 'POST', '-H', 'environment: qa', '-H', 'X-Internal: 1', '/api/x?y=1'];

  test('tells the rule, why not an earlier one, the URLs, and what would be sent', async () => {
    const { code, lines, errors } = await explain(...request);
    expect(errors).toEqual([]);
    expect(code).toBe(0);
    expect(lines.slice(0, 4)).toEqual([
      'rule    qa',
      'target  qa',
      'one of  http://qa-0.test/v2/x?y=1',
      '        http://qa-1.test/v2/x?y=1',
    ]);
    expect(lines.find((line) => line.startsWith('why'))).toMatch(/gold.*x-tier/);
    expect(lines.find((line) => line.startsWith('sent'))).toBe('sent    POST /v2/x?y=1 HTTP/1.1');
    expect(lines).toContain('        host1a: qa');
    expect(lines.join('\n')).not.toContain('X-Internal');
  });

  test('shows no value of a file or of the environment', async () => {
    const { lines } = await explain(...request);
    expect(lines).toContain('        x-env: ***');
    expect(lines.join('\n')).not.toContain('s3cret');
  });

  test('--json gives the same for programs', async () => {
    const { lines } = await explain(...request, '--json');
    const explanation = JSON.parse(lines.join('\n'));
    expect(explanation).toMatchObject({
      rule: 'qa',
      target: 'qa',
      uri: '/v2/x?y=1',
      urls: ['http://qa-0.test/v2/x?y=1', 'http://qa-1.test/v2/x?y=1'],
    });
    expect(explanation.headers).toContainEqual(['host1a', 'qa']);
  });

  test('tells that a request is rejected, with 0: the question was answered', async () => {
    const { code, lines } = await explain('-X', 'GET', '/other');
    expect(code).toBe(0);
    expect(lines[0]).toBe('rule    none: rejected with 404');
    expect(lines.at(-1)).toBe('sent    nothing');
  });

  test("asks for the listener that is named: its own default holds, and the target's path stands in front", async () => {
    const { lines } = await explain('--listener', 'b', '/other');
    expect(lines).toContain('url     http://prod.test/base/other');
    const { code, errors } = await explain('--listener', 'c', '/other');
    expect(code).toBe(64);
    expect(errors).toEqual(['outrider: there is no listener "c"; there are a, b']);
  });

  test('refuses what is no request in one line, with 64', async () => {
    const { code, errors } = await explain('api/x');
    expect(code).toBe(64);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('neither a path');
  });
});

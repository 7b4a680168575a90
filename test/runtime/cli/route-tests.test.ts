import { runCli } from '../../../src/runtime/cli/cli.ts';
import { memoryContext } from '../../helpers/cli.ts';
import { configFolder } from '../../helpers/config-folder.ts';

const OUTRIDER = 'apiVersion: outrider.dev/v1\n';
const ROUTES = `
targets: {prod: "http://prod.test", qa: "http://qa.test"}
rules:
  - name: qa
    match: {headers: {environment: qa}, paths: [/api/*]}
    request: {headers: {set: {Host1a: Zürich}}, path: {replacePrefix: /v2}}
    target: qa
default: reject
tests:
`;

async function run(tests: readonly string[], ...args: string[]): Promise<{ code: number; lines: string[] }> {
  const list = tests.length === 0 ? '  []' : tests.map((test) => `  - ${test}`).join('\n');
  const folder = configFolder({ 'outrider.yaml': OUTRIDER, 'routes.yaml': ROUTES + list });
  const context = memoryContext();
  const code = await runCli(['test', folder, ...args], context);
  expect(context.errors).toEqual([]);
  return { code, lines: context.lines };
}

const PASSING = [
  '{request: GET /api/x?y=1, headers: {environment: qa}, expect: {target: qa, rule: qa, path: /v2/x}}',
  '{request: GET /api/x?y=1, headers: {environment: qa}, expect: {path: "/v2/x?y=1", headers: {host1a: Zürich}}}',
  '{request: GET /, expect: {target: reject, rule: default}}',
];

describe('outrider test', () => {
  test('ends with 0 when every test passes, a line each', async () => {
    const { code, lines } = await run(PASSING);
    expect(lines).toEqual([
      'ok    GET /api/x?y=1  qa      qa',
      'ok    GET /api/x?y=1  qa      qa',
      'ok    GET /           reject',
      '3 passed, 0 failed',
    ]);
    expect(code).toBe(0);
  });

  test.each([
    ['target', '{target: prod}', 'expected target prod, found qa'],
    ['rule', '{target: qa, rule: default}', 'expected rule default, found qa'],
    ['path', '{path: /api/x}', 'expected path /api/x, found /v2/x'],
    ['query', '{path: "/v2/x?y=2"}', 'expected path /v2/x?y=2, found /v2/x?y=1'],
    ['header', '{headers: {host1a: qa}}', 'expected header host1a qa, found Zürich'],
    ['missing header', '{headers: {x-none: qa}}', 'expected header x-none qa, found none'],
  ])('ends with 1 and tells expected and found for a wrong %s', async (_what, expected, difference) => {
    const failing = `{request: GET /api/x?y=1, headers: {environment: qa}, expect: ${expected}}`;
    const { code, lines } = await run([...PASSING, failing]);
    expect(code).toBe(1);
    expect(lines[3]).toMatch(/^FAIL {2}GET \/api\/x\?y=1/);
    expect(lines).toContain(`      ${difference}`);
    expect(lines.at(-1)).toBe('3 passed, 1 failed');
  });

  test('--json gives every result for programs', async () => {
    const { code, lines } = await run(['{request: GET /, expect: {target: qa}}'], '--json');
    expect(code).toBe(1);
    const { results, failed } = JSON.parse(lines.join('\n'));
    expect(failed).toBe(1);
    expect(results[0]).toMatchObject({
      passed: false,
      target: null,
      differences: ['expected target qa, found reject'],
    });
  });

  test('tells that there are none, and ends with 0', async () => {
    const { code, lines } = await run([]);
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/has no tests$/);
  });
});

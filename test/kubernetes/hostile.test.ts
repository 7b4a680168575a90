/** What anybody may put into a ConfigMap or a pod of their own, while everybody's pods wait for the same injector. */
import { admitRoutes } from '../../src/runtime/kubernetes/routes-admission.ts';
import { injected, run } from './manifests.ts';

const ROUTES = 'targets: {a: "http://a"}\ndefault: a\n';
const LENGTH = 300_000;
const MANY = Array.from({ length: 2000 }, (_, index) => index);

/** Far more than it takes on a slow machine, far less than what grows with the square of the length. */
const MOST_MS = 10_000;

test.each([
  ['an empty list of listeners behind very many line ends', `${ROUTES}# listeners:${'\n'.repeat(LENGTH)}# x\n`],
  ['a line of spaces', `${ROUTES}#${' '.repeat(LENGTH)}x\n`],
  ['lists of listeners that never end', `${ROUTES}#${'listeners:['.repeat(LENGTH / 10)}\n`],
])('the routes are checked in time that grows with their length: %s', (_what, text) => {
  const start = performance.now();
  expect(admitRoutes({ data: { 'routes.yaml': text } })).toMatchObject({ allowed: true });
  expect(performance.now() - start).toBeLessThan(MOST_MS);
});

test('very many rules with targets that are not among very many are told in a moment, the first of them', () => {
  const targets = MANY.map((index) => `  target${index}: http://a\n`).join('');
  const rules = MANY.map((index) => `  - {name: r${index}, target: tarqet${index}x}\n`).join('');
  const start = performance.now();
  const verdict = admitRoutes({
    data: { 'routes.yaml': `targets:\n${targets}rules:\n${rules}default: target1\n` },
  });
  expect(performance.now() - start).toBeLessThan(MOST_MS);
  expect(verdict).toMatchObject({
    allowed: false,
    message: expect.stringMatching(/no target "tarqet0x"; targets: target0, .*did you mean "target0"/),
  });
});

test.each([
  ['in brackets', '[inbound, "other"]'],
  ['as items', '\n        - inbound\n\n        - other'],
])('listeners of an outrider.yaml that is elsewhere are believed, %s', (_what, list) => {
  const text = `${ROUTES}rules:\n  - name: a\n    target: a\n    match:\n      listeners: ${list}\n`;
  expect(admitRoutes({ data: { 'routes.yaml': text } })).toMatchObject({ allowed: true });
});

test('a comment about templates is no template', () => {
  const text = `${ROUTES}# \${file:NAME} and \${file: are templates\n`;
  expect(admitRoutes({ data: { 'routes.yaml': text } })).toMatchObject({ allowed: true });
});

const named = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n    - name: ${name}\n      image: x\n`;

test.each([['base-url'], ['none']])('a container may have a name that every object knows (%s)', async (mode) => {
  const text = await injected(named('constructor'), '--env-mode', mode);
  const { code, text: back } = await run('uninject', text);
  expect(code).toBe(0);
  expect(`${back}\n`).toBe(named('constructor'));
});

const BOMB = ['a: &a [x, x, x, x, x, x, x, x]', ...[...'bcdefgh'].map(aliases)].map((line) => `  ${line}\n`).join('');

function aliases(name: string, index: number): string {
  return `${name}: &${name} [${Array(8).fill(`*${'abcdefg'[index]}`).join(', ')}]`;
}

test.each([
  ['aliases of aliases', `${named('app')}${BOMB}`, /Excessive alias count/],
  [
    'JSON without a bottom',
    `{"kind": "Pod", "spec": {"containers": [{"name": "a"}], "x": ${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
    /nested too deeply/,
  ],
  ['metadata that is a number', named('app').replace('\n  name: a', ' 5'), /\/metadata is not of the form/],
  ['annotations that are a list', named('app').replace('name: a', 'annotations: [a]'), /\/annotations is not of the/],
  ['init containers that are a mapping', `${named('app')}  initContainers: {a: b}\n`, /\/initContainers is no list/],
  ['an environment that is a text', `${named('app')}      env: x\n`, /\/env is no list/],
])('is refused with a reason and without a stack: %s', async (_what, text, reason) => {
  const { code, errors, text: printed } = await run('inject', text, '--config-map', 'acme', '--env-mode', 'http-proxy');
  expect([code === 0, printed]).toEqual([false, '']);
  expect(errors.join('\n')).toMatch(reason);
  expect(errors.join('\n')).not.toMatch(/\n {4}at /);
});
